"""Tables of triggers, and of what they decided."""

from sqlalchemy import BigInteger, Column, Enum, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables
from services.execution.triggers.domain import Decision, State, Type

metadata = tables.metadata()

triggers = Table(
    "triggers",
    metadata,
    Column("trigger_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_workflow_id", UUID, nullable=False),
    Column("type", Enum(Type, native_enum=False), nullable=False),
    Column("inputs", JSONB, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("next_time", tables.Time),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
    Column("deleted_by", UUID),
    Column("secret", LargeBinary),
    Column("enable_time", tables.Time),
)

occurrences = Table(
    "trigger_occurrences",
    metadata,
    Column("occurrence_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("trigger_id", UUID, nullable=False),
    Column("key", Text, nullable=False),
    Column("time", tables.Time, nullable=False),
    Column("last_time", tables.Time),
    Column("decision", Enum(Decision, native_enum=False), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("execution_id", UUID),
    Column("decide_time", tables.Time, nullable=False),
)
