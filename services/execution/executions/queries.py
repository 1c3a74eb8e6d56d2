"""Reads of executions and their steps."""

from uuid import UUID

from sqlalchemy import func, select

from chassis.sql import Connection
from services.execution.executions.domain import Execution, State, StepExecution
from services.execution.executions.store import execution_store as store
from services.execution.executions.store.rows import COLUMNS, STEP_COLUMNS, execution_of, step_of
from services.execution.executions.tables import executions, step_executions


async def get_execution(connection: Connection, *, execution_id: UUID) -> Execution:
    """Return an execution of the account. ExecutionNotFound."""
    return await store.get_execution(connection, execution_id)


async def list_executions(  # noqa: PLR0913  # filters, each by its own name
    connection: Connection,
    *,
    workflow_id: UUID | None,
    agent_id: UUID | None,
    parent_execution_id: UUID | None,
    state: State | None,
    limit: int,
    after: UUID | None,
) -> list[Execution]:
    """Return executions of the account, newest first."""
    statement = select(*COLUMNS)
    filters = (
        (executions.c.workflow_id, workflow_id),
        (executions.c.agent_id, agent_id),
        (executions.c.parent_execution_id, parent_execution_id),
        (executions.c.state, state),
    )
    for column, value in filters:
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        statement = statement.where(executions.c.execution_id < after)
    rows = await connection.execute(statement.order_by(executions.c.execution_id.desc()).limit(limit))
    return [execution_of(dict(row)) for row in rows.mappings()]


async def list_steps(connection: Connection, *, execution_id: UUID, after: int, limit: int) -> list[StepExecution]:
    """Return the steps of an execution that changed after a sequence, the last change last. ExecutionNotFound."""
    await store.get_execution(connection, execution_id)
    return await read_steps(connection, execution_id=execution_id, after=after, limit=limit)


async def read_steps(connection: Connection, *, execution_id: UUID, after: int, limit: int) -> list[StepExecution]:
    """Return the same of an execution that is there."""
    statement = (
        select(*STEP_COLUMNS)
        .where(step_executions.c.execution_id == execution_id, step_executions.c.sequence > after)
        .order_by(step_executions.c.sequence, step_executions.c.path)
        .limit(limit)
    )
    return [step_of(dict(row)) for row in (await connection.execute(statement)).mappings()]


async def count_running(connection: Connection, *, agent_id: UUID) -> int:
    """Return how many executions of a version of an agent have not ended."""
    mine = (executions.c.agent_id == agent_id) & executions.c.end_time.is_(None)
    return int((await connection.execute(select(func.count()).where(mine))).scalar_one())
