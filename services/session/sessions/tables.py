"""Tables of sessions, their log and their control."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, Interval, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from chassis import tables
from services.session.sessions.domain import State, StopReason
from services.session.sessions.spec import Kind

metadata = tables.metadata()

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("kind", Enum(Kind, native_enum=False), nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("shell", Text, nullable=False),
    Column("command", ARRAY(Text, as_tuple=True), nullable=False),
    Column("timeout", Interval),
    Column("working_directory", Text, nullable=False),
    Column("environment_names", ARRAY(Text, as_tuple=True), nullable=False),
    Column("columns", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("runner_id", Text, nullable=False),
    Column("stop_request", Enum(StopReason, native_enum=False)),
    Column("stop_cause_event_id", Text, nullable=False),
    Column("stop_reason", Enum(StopReason, native_enum=False)),
    Column("state_reason", Text, nullable=False),
    Column("exit_code", Integer),
    Column("exit_signal", Integer),
    Column("log_complete", Boolean, nullable=False),
    Column("idle_end_time", tables.Time),
    Column("restarted_from", UUID),
    Column("given_title", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("secret_names", ARRAY(Text, as_tuple=True), nullable=False),
    Column("agent", JSONB, nullable=False),
    Column("parent_session_id", UUID),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
    Column("delete_time", tables.Time),
    Column("purge_time", tables.Time),
    Column("deleted_by", UUID),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)

heads = Table(
    "session_heads",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("head_sequence", BigInteger, nullable=False),
    Column("head_offset", BigInteger, nullable=False),
    Column("copier_epoch", BigInteger, nullable=False),
    Column("copier_process", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("last_activity_time", tables.Time, nullable=False),
    Column("begin_columns", Integer, nullable=False),
    Column("begin_rows", Integer, nullable=False),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)

events = Table(
    "session_events",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("time", tables.Time, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("exit_code", Integer),
    Column("exit_signal", Integer),
    Column("reason", Text, nullable=False),
)

screens = Table(
    "session_screens",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("screen", LargeBinary, nullable=False),
)

controls = Table(
    "session_controls",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("lease_epoch", BigInteger, nullable=False),
    Column("attachment_id", UUID),
)

idleness = Table(
    "session_idleness",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("cpu_milliseconds", BigInteger),
    Column("cpu_time", tables.Time, nullable=False),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)

attachments = Table(
    "session_attachments",
    metadata,
    Column("attachment_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("session_id", UUID, nullable=False),
    Column("process", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("acknowledged_offset", BigInteger, nullable=False),
    Column("attach_time", tables.Time, nullable=False),
)
