"""Counts of executions, made from their rows whenever somebody asks, so that they cannot drift."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from chassis.sql import Connection
from services.execution.definitions.tables import workflows
from services.execution.executions.domain import State
from services.execution.executions.tables import executions


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
    statement = (
        select(executions.c.state, func.count().label("total"), duration.label("duration"))
        .where(executions.c.create_time > datetime.now(UTC) - wanted.window)
        .group_by(executions.c.state)
        .order_by(executions.c.state)
    )
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
    return [Count(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001  # SQLAlchemy's name
