"""Tables of teams."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.workspace.teams.domain import Role

metadata = tables.metadata()

handles = Table(
    "handles",
    metadata,
    Column("handle", Text, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("kind", Text, nullable=False),
)

teams = Table(
    "teams",
    metadata,
    Column("team_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("founder_id", UUID, nullable=False),
    Column("handle", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("chat_id", UUID, nullable=False),
    Column("member_count", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
)

members = Table(
    "members",
    metadata,
    Column("member_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("team_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("handle", Text, nullable=False),
    Column("role", Enum(Role, native_enum=False), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)
