"""The table of answers."""

from sqlalchemy import Column, Enum, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.execution.approvals.domain import State

metadata = tables.metadata()

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("execution_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("message", Text, nullable=False),
    Column("request_time", tables.Time, nullable=False),
    Column("expire_time", tables.Time, nullable=False),
    Column("user_id", UUID),
    Column("comment", Text, nullable=False),
    Column("answer_time", tables.Time, nullable=False),
)
