"""The table of code that runs."""

from sqlalchemy import Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

code_runs = Table(
    "code_runs",
    metadata,
    Column("code_run_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("execution_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("runner_id", Text, nullable=False),
)
