"""The table of logs that were let go."""

from sqlalchemy import BigInteger, Column, Table
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

log_months = Table(
    "log_months",
    metadata,
    Column("log_month_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("start_time", tables.Time, nullable=False),
    Column("session_count", BigInteger, nullable=False),
    Column("record_count", BigInteger, nullable=False),
    Column("output_bytes", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("expire_time", tables.Time, nullable=False),
)
