"""The table of deliveries."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables

metadata = tables.metadata()

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("trigger_id", UUID, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("redelivery_count", Integer, nullable=False),
    Column("receive_time", tables.Time, nullable=False),
)
