"""Executions as requests see and change them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, case, func, insert, null, select, update

from chassis.sql import Connection
from services.execution.executions.domain import Execution, Lease, StepState
from services.execution.executions.errors import ExecutionNotFound
from services.execution.executions.store.rows import COLUMNS, execution_of, row_of
from services.execution.executions.tables import executions, step_executions

CHANNEL = "executions"
"""Where every process hears the id of an execution in which there is something new."""

_INSERT = insert(executions)


async def insert_execution(
    connection: Connection, execution: Execution, lease: Lease | None = None, seconds: float = 0
) -> None:
    """Store a new execution, owned by an engine for so many seconds, or there to be claimed."""
    until = execution.create_time + timedelta(seconds=seconds)
    owned = (
        {"lease_epoch": lease.epoch, "engine_id": lease.engine_id} if lease else {"lease_epoch": 0, "engine_id": None}
    )
    await connection.execute(_INSERT, row_of(execution) | owned | {"wake_time": until, "recoveries": 0})


async def end_execution(connection: Connection, execution: Execution) -> None:
    """Store how an execution ended, and that its steps did; whoever owned it writes nothing any more."""
    ended = {name: value for name, value in row_of(execution).items() if name != "execution_id"}
    released = {"wake_time": None, "engine_id": None, "lease_epoch": executions.c.lease_epoch + 1}
    statement = update(executions).where(executions.c.execution_id == execution.execution_id)
    await connection.execute(statement.values(**ended, **released))
    open_steps = (
        select(step_executions.c.path, func.row_number().over(order_by=step_executions.c.path).label("number"))
        .where(step_executions.c.execution_id == execution.execution_id, step_executions.c.end_time.is_(None))
        .subquery()
    )
    cancelled = {"state": StepState.CANCELLED, "end_time": execution.end_time, "wake_time": None, "progress": null()}
    await connection.execute(
        update(step_executions)
        .where(step_executions.c.execution_id == execution.execution_id, step_executions.c.path == open_steps.c.path)
        .values(**cancelled, sequence=execution.sequence + open_steps.c.number)
    )
    await connection.execute(select(func.pg_notify(CHANNEL, str(execution.execution_id))))


async def rouse(connection: Connection, execution_id: UUID) -> None:
    """Have the steps of an execution that wait for something look for it; without effect once it has ended."""
    at_once = case((executions.c.engine_id.is_(None), func.now()), else_=executions.c.wake_time)
    await connection.execute(
        update(executions)
        .where(executions.c.execution_id == execution_id, executions.c.end_time.is_(None))
        .values(rousals=executions.c.rousals + 1, wake_time=at_once)
    )


async def get_execution(connection: Connection, execution_id: UUID) -> Execution:
    """Return an execution of the account. ExecutionNotFound."""
    return await _execution(connection, select(*COLUMNS).where(executions.c.execution_id == execution_id), execution_id)


async def lock_execution(connection: Connection, execution_id: UUID) -> Execution:
    """Return an execution and hold its row until the transaction ends. ExecutionNotFound."""
    statement = select(*COLUMNS).where(executions.c.execution_id == execution_id).with_for_update()
    return await _execution(connection, statement, execution_id)


async def lock_to_end(connection: Connection, execution_id: UUID) -> Execution:
    """Return an execution that is to end, held, and rouse the one it is a step of. ExecutionNotFound.

    The outer one is held before the inner one, by whoever holds both.
    """
    found = await get_execution(connection, execution_id)
    if found.parent_execution_id is not None:
        await rouse(connection, found.parent_execution_id)
    return await lock_execution(connection, execution_id)


async def is_owned(connection: Connection, execution_id: UUID, epoch: int) -> bool:
    """Whether an epoch is still the newest of an execution whose row is held."""
    statement = select(executions.c.lease_epoch).where(executions.c.execution_id == execution_id)
    return bool((await connection.execute(statement)).scalar_one() == epoch)


async def _execution(connection: Connection, statement: Select[tuple[object, ...]], execution_id: UUID) -> Execution:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ExecutionNotFound(execution_id)
    return execution_of(dict(row._mapping))  # noqa: SLF001  # SQLAlchemy's documented name
