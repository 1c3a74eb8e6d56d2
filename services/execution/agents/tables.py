"""The table of agents."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, Interval, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from chassis import tables
from services.execution.versions.domain import State

metadata = tables.metadata()

agents = Table(
    "agents",
    metadata,
    Column("agent_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("parent_agent_id", UUID, nullable=False),
    Column("version_number", Integer, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("definition", JSONB, nullable=False),
    Column("capabilities", ARRAY(Text), nullable=False),
    Column("max_execution_duration", Interval, nullable=False),
    Column("max_memory", Integer, nullable=False),
    Column("max_concurrent_executions", Integer, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
    Column("deleted_by", UUID),
)
