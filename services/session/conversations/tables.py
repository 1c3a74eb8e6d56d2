"""Tables of contexts, messages and actions."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, Interval, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables
from services.session.conversations.domain import action
from services.session.conversations.domain.action import Type
from services.session.conversations.domain.context import Role, State

metadata = tables.metadata()

contexts = Table(
    "contexts",
    metadata,
    Column("context_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("flow", JSONB, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
    Column("purge_time", tables.Time),
    Column("deleted_by", UUID),
    Column("message_count", BigInteger, nullable=False),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("message_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("context_id", UUID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("role", Enum(Role, native_enum=False), nullable=False),
    Column("author_id", UUID),
    Column("content", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("create_time", tables.Time, nullable=False),
)

actions = Table(
    "actions",
    metadata,
    Column("action_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("context_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("type", Enum(Type, native_enum=False), nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("timeout", Interval, nullable=False),
    Column("state", Enum(action.State, native_enum=False), nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("result", JSONB(none_as_null=True)),
    Column("failure", JSONB(none_as_null=True)),
    Column("session_id", UUID),
    Column("preview_id", UUID),
    Column("runner_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)
