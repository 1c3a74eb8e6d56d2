"""The table of changes that triggers wait for, and that are not decided about."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

trigger_events = Table(
    "trigger_events",
    metadata,
    Column("trigger_event_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("trigger_id", UUID, nullable=False),
    Column("key", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("change", LargeBinary, nullable=False),
)
