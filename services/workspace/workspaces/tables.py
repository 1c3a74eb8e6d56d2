"""Table of workspaces."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables
from services.workspace.workspaces.domain import State

metadata = tables.metadata()

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("repository_url", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("unsaved_reason", Text, nullable=False),
    Column("progress_step", Text, nullable=False),
    Column("progress_percent", Integer, nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("archive_time", tables.Time),
    Column("delete_time", tables.Time),
    Column("save_id", UUID),
    Column("purge_time", tables.Time),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)
