"""Steps of executions that go on from others."""

from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, insert, literal, null, select

from chassis.sql import Connection
from services.execution.executions.domain import Execution, StepExecution, StepState
from services.execution.executions.forks import Counts
from services.execution.executions.tables import step_executions as steps

_COPIED = ("path", "key", "type", "state", "attempt", "start_time", "end_time", "output", "failure")


async def ended_at_top(connection: Connection, execution_id: UUID) -> dict[str, StepState]:
    """Return how the steps at the top of an execution ended, by their keys."""
    statement = select(steps.c.key, steps.c.state).where(
        steps.c.execution_id == execution_id, steps.c.path == steps.c.key, steps.c.end_time.is_not(None)
    )
    return {row.key: row.state for row in await connection.execute(statement)}


async def count_steps(connection: Connection, execution_id: UUID, kept: Sequence[str]) -> Counts:
    """Return how many steps of an execution are these, or inside these."""
    by_state = (func.count().filter(steps.c.state == state) for state in (StepState.COMPLETED, StepState.FAILED))
    statement = select(func.count(), *by_state).where(_among(execution_id, kept))
    total, completed, failed = tuple((await connection.execute(statement)).one())
    return Counts(total, completed, failed)


async def copy_steps(connection: Connection, execution: Execution, kept: Sequence[str]) -> None:
    """Give an execution these steps of its origin, with those inside them."""
    of_origin: Select[tuple[object, ...]] = select(
        literal(execution.execution_id),
        steps.c.account_id,
        *(steps.c[name] for name in _COPIED),
        func.row_number().over(order_by=(steps.c.sequence, steps.c.path)),
    ).where(_among(execution.origin_execution_id, kept))
    await connection.execute(insert(steps).from_select(["execution_id", "account_id", *_COPIED, "sequence"], of_origin))


async def insert_step(connection: Connection, execution: Execution, step: StepExecution) -> None:
    """Give an execution a step that has ended."""
    values = {field.name: getattr(step, field.name) for field in fields(step)} | {"failure": null()}
    of_execution = {"execution_id": execution.execution_id, "account_id": execution.account_id}
    await connection.execute(insert(steps).values(**of_execution, **values))


def _among(execution_id: UUID | None, kept: Sequence[str]) -> ColumnElement[bool]:
    at_top = func.split_part(func.split_part(steps.c.path, "/", 1), "[", 1)
    return (steps.c.execution_id == execution_id) & at_top.in_(kept)
