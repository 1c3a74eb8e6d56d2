"""Counts of executions, made from their rows whenever somebody asks, so that they cannot drift."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from chassis import tables
from chassis.sql import Connection
from services.execution.definitions.tables import workflows
from services.execution.executions.domain import State
from services.execution.executions.tables import executions
from services.execution.usage.domain import Total
from services.execution.usage.queries import SUMS
from services.execution.usage.tables import model_uses


@dataclass(frozen=True, slots=True)
class Filter:
    """Which executions count: of one version, a family, a person, an agent; None for any. `window` is up to now."""

    window: timedelta
    workflow_id: UUID | None = None
    parent_workflow_id: UUID | None = None
    user_id: UUID | None = None
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Executions in one state, and how long they took in all; nothing for what has not ended."""

    state: State
    total: int
    duration: timedelta


async def count_executions(connection: Connection, *, wanted: Filter) -> list[Count]:
    """Return the counts of the account's executions by state, without those that are 0."""
    duration = func.coalesce(func.sum(executions.c.end_time - executions.c.start_time), timedelta())
    counted = select(executions.c.state, func.count().label("total"), duration.label("duration"))
    statement = _narrowed(counted, wanted).group_by(executions.c.state).order_by(executions.c.state)
    return [Count(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001  # SQLAlchemy's name


async def sum_model_uses(connection: Connection, *, wanted: Filter) -> Total:
    """Return what the account's executions took of language models."""
    used = select(*SUMS).select_from(
        model_uses.join(executions, model_uses.c.execution_id == executions.c.execution_id)
    )
    return tables.to(Total, (await connection.execute(_narrowed(used, wanted))).one())


def _narrowed(statement: Select[Any], wanted: Filter) -> Select[Any]:
    statement = statement.where(executions.c.create_time > datetime.now(UTC) - wanted.window)
    for column, value in (
        (executions.c.workflow_id, wanted.workflow_id),
        (executions.c.user_id, wanted.user_id),
        (executions.c.agent_id, wanted.agent_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.parent_workflow_id is not None:
        family = select(workflows.c.workflow_id).where(workflows.c.parent_workflow_id == wanted.parent_workflow_id)
        statement = statement.where(executions.c.workflow_id.in_(family))
    return statement
