"""The table of secrets."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

secrets = Table(
    "secrets",
    metadata,
    Column("secret_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)
