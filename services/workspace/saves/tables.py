"""Table of saves."""

from sqlalchemy import BigInteger, Column, Enum, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.workspace.saves.domain import Cause, State

saves = Table(
    "saves",
    tables.metadata(),
    Column("save_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("workspace_name", Text, nullable=False),
    Column("repository_url", Text, nullable=False),
    Column("cause", Enum(Cause, native_enum=False), nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("staged", Integer, nullable=False),
    Column("modified", Integer, nullable=False),
    Column("untracked", Integer, nullable=False),
    Column("conflicted", Integer, nullable=False),
    Column("stashes", Integer, nullable=False),
    Column("unpushed_commits", Integer, nullable=False),
    Column("repositories", Integer, nullable=False),
    Column("complaint", Text, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("expire_time", tables.Time),
    Column("reconcile_time", tables.Time),
    Column("reconcile_epoch", BigInteger, nullable=False),
    Column("reconcile_attempts", Integer, nullable=False),
)
