"""Tables of packs and their pieces."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

save_packs = Table(
    "save_packs",
    metadata,
    Column("pack_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("save_id", UUID, nullable=False),
    Column("base_id", UUID),
    Column("commit_id", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("facts", Text),
    Column("create_time", tables.Time, nullable=False),
)

save_chunks = Table(
    "save_chunks",
    metadata,
    Column("pack_id", UUID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
