"""Tables of executions and their steps."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Interval, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables
from services.execution.definitions.domain import Type
from services.execution.executions.domain import State, StepState

metadata = tables.metadata()

executions = Table(
    "executions",
    metadata,
    Column("execution_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("workflow_id", UUID),
    Column("definition", JSONB(none_as_null=True)),
    Column("input", JSONB, nullable=False),
    Column("timeout", Interval, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("output", JSONB(none_as_null=True)),
    Column("failure", JSONB(none_as_null=True)),
    Column("steps_completed", BigInteger, nullable=False),
    Column("steps_failed", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("start_time", tables.Time),
    Column("end_time", tables.Time),
    Column("wake_time", tables.Time),
    Column("lease_epoch", BigInteger, nullable=False),
    Column("engine_id", UUID),
    Column("recoveries", Integer, nullable=False),
    Column("parent_execution_id", UUID),
    Column("parent_path", Text),
    Column("parent_attempt", Integer),
    Column("depth", Integer, nullable=False),
    Column("rousals", BigInteger, nullable=False, server_default="0"),
    Column("rousals_seen", BigInteger, nullable=False, server_default="0"),
    Column("sequence", BigInteger, nullable=False),
    Column("trigger_id", UUID),
    Column("trigger_depth", Integer, nullable=False),
    Column("parent_workflow_id", UUID),
    Column("priority", SmallInteger, nullable=False),
    Column("origin_execution_id", UUID),
    Column("origin_path", Text),
    Column("step_inputs", JSONB(none_as_null=True)),
    Column("agent_id", UUID),
    Column("deployment_id", UUID),
)

step_executions = Table(
    "step_executions",
    metadata,
    Column("execution_id", UUID, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("key", Text, nullable=False),
    Column("type", Enum(Type, native_enum=False), nullable=False),
    Column("state", Enum(StepState, native_enum=False), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("start_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
    Column("wake_time", tables.Time),
    Column("progress", JSONB(none_as_null=True)),
    Column("output", JSONB(none_as_null=True)),
    Column("failure", JSONB(none_as_null=True)),
    Column("sequence", BigInteger, nullable=False),
)
