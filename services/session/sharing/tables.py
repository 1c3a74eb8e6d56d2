"""Tables of share links and of the tickets that opening one gives."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

share_links = Table(
    "share_links",
    metadata,
    Column("share_link_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("session_id", UUID, nullable=False),
    Column("controls", Boolean, nullable=False),
    Column("label", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("expire_time", tables.Time, nullable=False),
    Column("revoke_time", tables.Time),
    Column("open_count", Integer, nullable=False),
    Column("last_open_time", tables.Time),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)

tickets = Table(
    "share_tickets",
    metadata,
    Column("ticket_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("share_link_id", UUID, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("expire_time", tables.Time, nullable=False),
)
