"""The table of agents."""

from sqlalchemy import Column, Integer, Interval, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from chassis import tables
from services.execution.versions.columns import columns

metadata = tables.metadata()

agents = Table(
    "agents",
    metadata,
    *columns("agent_id"),
    Column("capabilities", ARRAY(Text), nullable=False),
    Column("max_execution_duration", Interval, nullable=False),
    Column("max_memory", Integer, nullable=False),
    Column("max_concurrent_executions", Integer, nullable=False),
)
