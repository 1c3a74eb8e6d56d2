"""Reads of executions and their steps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_

from chassis.sql import Connection
from services.execution.executions.domain import Execution, State, StepExecution
from services.execution.executions.store import execution_store as store
from services.execution.executions.store.rows import COLUMNS, STEP_COLUMNS, execution_of, step_of
from services.execution.executions.tables import executions, step_executions


async def get_execution(connection: Connection, *, execution_id: UUID) -> Execution:
    """Return an execution of the account. ExecutionNotFound."""
    return await store.get_execution(connection, execution_id)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which executions are listed; None and no states for any."""

    workflow_id: UUID | None
    agent_id: UUID | None
    deployment_id: UUID | None
    parent_workflow_id: UUID | None
    parent_execution_id: UUID | None
    user_id: UUID | None
    states: frozenset[State]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an execution stands in a list by the end: when it ended, and its id among those of that instant."""

    end_time: datetime
    execution_id: UUID

    @classmethod
    def of(cls, execution: Execution) -> "Place":
        """Return where an execution stands that has ended."""
        return cls(execution.end_time or execution.update_time, execution.execution_id)

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place of a text."""
        end_time, execution_id = text.split()
        return cls(datetime.fromisoformat(end_time), UUID(execution_id))

    @property
    def text(self) -> str:
        """The place as a page token has it."""
        return f"{self.end_time.isoformat()} {self.execution_id}"


async def list_executions(connection: Connection, *, wanted: Filter, limit: int, after: UUID | None) -> list[Execution]:
    """Return executions of the account, newest first."""
    statement = _of(wanted).order_by(executions.c.execution_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(executions.c.execution_id < after)
    return [execution_of(dict(row)) for row in (await connection.execute(statement)).mappings()]


async def list_ended(connection: Connection, *, wanted: Filter, limit: int, after: Place | None) -> list[Execution]:
    """Return executions of the account that have ended, the last first."""
    order = (executions.c.end_time, executions.c.execution_id)
    statement = _of(wanted).where(executions.c.end_time.is_not(None)).order_by(*(each.desc() for each in order))
    if after is not None:
        statement = statement.where(tuple_(*order) < tuple_(after.end_time, after.execution_id))
    return [execution_of(dict(row)) for row in (await connection.execute(statement.limit(limit))).mappings()]


def _of(wanted: Filter) -> Select[Any]:
    statement = select(*COLUMNS)
    if wanted.states:
        statement = statement.where(executions.c.state.in_(wanted.states))
    for column in (
        executions.c.workflow_id,
        executions.c.agent_id,
        executions.c.deployment_id,
        executions.c.parent_workflow_id,
        executions.c.parent_execution_id,
        executions.c.user_id,
    ):
        value = getattr(wanted, column.name)
        if value is not None:
            statement = statement.where(column == value)
    return statement


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
