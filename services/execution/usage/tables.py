"""The table of what answers of models took."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables

metadata = tables.metadata()

model_uses = Table(
    "model_uses",
    metadata,
    Column("model_use_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("execution_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_micros", BigInteger, nullable=False),
    Column("use_time", tables.Time, nullable=False),
)
