"""Executions that are steps of others."""

from uuid import UUID

from sqlalchemy import select

from chassis.sql import Connection
from services.execution.executions.domain import Execution
from services.execution.executions.store.rows import COLUMNS, execution_of
from services.execution.executions.tables import executions


async def find_child(connection: Connection, parent: Execution, path: str, attempt: int) -> Execution | None:
    """Return the execution that an attempt of a step has started."""
    statement = select(*COLUMNS).where(
        executions.c.parent_execution_id == parent.execution_id,
        executions.c.parent_path == path,
        executions.c.parent_attempt == attempt,
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else execution_of(dict(row))


async def lock_children(connection: Connection, execution_id: UUID) -> list[Execution]:
    """Return the steps of an execution that are executions and have not ended, held until the transaction ends."""
    statement = (
        select(*COLUMNS)
        .where(executions.c.parent_execution_id == execution_id, executions.c.end_time.is_(None))
        .order_by(executions.c.execution_id)
        .with_for_update()
    )
    return [execution_of(dict(row)) for row in (await connection.execute(statement)).mappings()]
