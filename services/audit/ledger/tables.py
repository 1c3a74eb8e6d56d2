"""The table of the ledger."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

entries = Table(
    "entries",
    metadata,
    Column("source", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("audit_log_id", UUID, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", UUID, nullable=False),
    Column("entity_version", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("outcome", Integer, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("cause_event_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("time", tables.Time, nullable=False),
    Column("has_content", Boolean, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("record_time", tables.Time, nullable=False),
    Column("orphaned", Boolean, nullable=False),
)
