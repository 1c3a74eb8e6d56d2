"""Reads of lines."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from chassis.sql import Connection
from services.execution.executions.store import execution_store
from services.execution.logs.domain import Level, Line
from services.execution.logs.tables import execution_logs


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines of an execution are wanted: those of a step, those that matter; empty and None for all."""

    execution_id: UUID
    path: str
    level: Level | None


async def list_lines(connection: Connection, *, wanted: Filter, after: int, limit: int) -> list[Line]:
    """Return the oldest lines after a position. ExecutionNotFound."""
    await execution_store.get_execution(connection, wanted.execution_id)
    return await read_lines(connection, wanted=wanted, after=after, limit=limit)


async def read_lines(connection: Connection, *, wanted: Filter, after: int, limit: int) -> list[Line]:
    """Return the same of an execution that is there."""
    columns = execution_logs.c
    statement = select(
        columns.path, columns.attempt, columns.level, columns.message, columns.log_time, columns.position
    ).where(columns.execution_id == wanted.execution_id, columns.position > after)
    if wanted.path:
        statement = statement.where(columns.path == wanted.path)
    if wanted.level is not None:
        statement = statement.where(columns.level >= int(wanted.level))
    rows = await connection.execute(statement.order_by(columns.position).limit(limit))
    return [Line(**row | {"level": Level(row["level"])}) for row in map(dict, rows.mappings())]


async def count_lines(connection: Connection, *, execution_id: UUID, path: str, attempt: int) -> int:
    """Return how many lines an attempt of a step has said."""
    columns = execution_logs.c
    statement = select(func.count()).where(
        columns.execution_id == execution_id, columns.path == path, columns.attempt == attempt
    )
    return int((await connection.execute(statement)).scalar_one())
