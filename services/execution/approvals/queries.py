"""Reads of what waits for an answer, and of answers."""

from uuid import UUID

from sqlalchemy import and_, or_

from chassis.sql import Connection
from services.execution.approvals import store
from services.execution.approvals.domain import Approval
from services.execution.executions.tables import step_executions


async def list_pending(
    connection: Connection, *, execution_id: UUID | None, limit: int, after: tuple[UUID, str] | None
) -> list[Approval]:
    """Return what waits for an answer in the account, that of the newest execution first."""
    statement = store.ASKING
    if execution_id is not None:
        statement = statement.where(step_executions.c.execution_id == execution_id)
    if after is not None:
        same = and_(step_executions.c.execution_id == after[0], step_executions.c.path > after[1])
        statement = statement.where(or_(step_executions.c.execution_id < after[0], same))
    order = (step_executions.c.execution_id.desc(), step_executions.c.path)
    rows = await connection.execute(statement.order_by(*order).limit(limit))
    return [store.asked_of(dict(row)) for row in rows.mappings()]


async def find_answer(connection: Connection, *, execution_id: UUID, path: str) -> Approval | None:
    """Return the answer that a step was given, None as long as there is none."""
    return await store.find_answer(connection, execution_id, path)
