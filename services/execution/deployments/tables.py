"""Tables of deployments and rollouts."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Interval, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.execution.deployments.domain import Environment, Health, State

metadata = tables.metadata()

deployments = Table(
    "deployments",
    metadata,
    Column("deployment_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("environment", Enum(Environment, native_enum=False), nullable=False),
    Column("parent_workflow_id", UUID),
    Column("workflow_id", UUID),
    Column("parent_agent_id", UUID),
    Column("agent_id", UUID),
    Column("max_concurrent_executions", Integer, nullable=False),
    Column("timeout", Interval, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("key_sha256", LargeBinary),
    Column("key_prefix", Text, nullable=False),
    Column("rollout_number", Integer, nullable=False),
    Column("deploy_time", tables.Time, nullable=False),
    Column("health", Enum(Health, native_enum=False), nullable=False),
    Column("health_reason", Text, nullable=False),
    Column("check_time", tables.Time),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
    Column("deleted_by", UUID),
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("deployment_id", UUID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workflow_id", UUID),
    Column("agent_id", UUID),
    Column("rolled_back_to", Integer, nullable=False),
    Column("previous_number", Integer, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("deploy_time", tables.Time, nullable=False),
)
