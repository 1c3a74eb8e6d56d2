"""Table of operations on files."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.workspace.files.domain import Action, State

metadata = tables.metadata()

file_operations = Table(
    "file_operations",
    metadata,
    Column("file_operation_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("action", Enum(Action, native_enum=False), nullable=False),
    Column("path", Text, nullable=False),
    Column("new_path", Text, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("etag", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("file_count", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)
