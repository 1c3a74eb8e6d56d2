"""The table of what is to be purged. A row outlives its session until the last record of the log is gone."""

from sqlalchemy import BigInteger, Column, Integer, Table
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

purges = Table(
    "session_purges",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)
