"""Tables of chats."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables

metadata = tables.metadata()

chats = Table(
    "chats",
    metadata,
    Column("chat_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("creator_id", UUID, nullable=False),
    Column("team_id", UUID),
    Column("is_private", Boolean, nullable=False),
    Column("open_to_anyone_with_invite", Boolean, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("message_count", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)

participants = Table(
    "chat_participants",
    metadata,
    Column("participant_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("chat_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("read_sequence", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
)

messages = Table(
    "chat_messages",
    metadata,
    Column("chat_message_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("chat_id", UUID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("author_id", UUID, nullable=False),
    Column("content", Text, nullable=False),
    Column("create_time", tables.Time, nullable=False),
)
