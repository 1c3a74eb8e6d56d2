"""Tables of previews and of the passes that open them."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, Interval, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from chassis import tables
from services.session.previews.domain import State, Visibility

metadata = tables.metadata()

previews = Table(
    "previews",
    metadata,
    Column("preview_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("context_id", UUID),
    Column("title", Text, nullable=False),
    Column("visibility", Enum(Visibility, native_enum=False), nullable=False),
    Column("command", ARRAY(Text, as_tuple=True), nullable=False),
    Column("working_directory", Text, nullable=False),
    Column("environment_names", ARRAY(Text, as_tuple=True), nullable=False),
    Column("port", Integer, nullable=False),
    Column("health_path", Text, nullable=False),
    Column("health_interval", Interval, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("session_id", UUID),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("start_time", tables.Time, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("delete_time", tables.Time),
    Column("visit_time", tables.Time),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)

passes = Table(
    "preview_passes",
    metadata,
    Column("pass_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("preview_id", UUID, nullable=False),
    Column("credential_id", UUID, nullable=False),
    Column("subject", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("redeemed", Boolean, nullable=False),
    Column("expire_time", tables.Time, nullable=False),
)
