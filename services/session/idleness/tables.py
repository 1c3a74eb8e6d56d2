"""The table of policies."""

from sqlalchemy import BigInteger, Boolean, Column, Interval, Table
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

idle_policies = Table(
    "idle_policies",
    metadata,
    Column("idle_policy_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("off", Boolean, nullable=False),
    Column("idle_after", Interval, nullable=False),
    Column("warning", Interval, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)
