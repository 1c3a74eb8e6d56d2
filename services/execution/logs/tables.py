"""The table of lines."""

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

execution_logs = Table(
    "execution_logs",
    metadata,
    Column("execution_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("log_time", tables.Time, nullable=False),
)
