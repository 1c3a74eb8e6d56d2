"""Table of runners."""

from sqlalchemy import BigInteger, Column, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

runners = Table(
    "runners",
    tables.metadata(),
    Column("runner_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
)
