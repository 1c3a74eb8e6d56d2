"""The table of workflows."""

from sqlalchemy import Column, Integer, Table

from chassis import tables
from services.execution.versions.columns import columns

metadata = tables.metadata()

workflows = Table(
    "workflows",
    metadata,
    *columns("workflow_id"),
    Column("max_concurrent_executions", Integer, nullable=False, server_default="0"),
)
