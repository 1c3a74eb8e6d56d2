"""Writes of what answers of models took."""

from sqlalchemy import insert

from chassis import tables
from chassis.sql import Connection
from services.execution.usage.domain import ModelUse
from services.execution.usage.tables import model_uses


async def insert_use(connection: Connection, use: ModelUse) -> None:
    """Store what an answer took."""
    await connection.execute(insert(model_uses).values(**tables.row_of(use)))
