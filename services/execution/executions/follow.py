"""Following an execution: as it is, then as it changes, read again each time the bell rings."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from chassis.actor import Actor
from chassis.bell import Bell
from chassis.database import Database
from services.execution.executions import queries
from services.execution.executions.domain import Execution, StepExecution

_BATCH = 500  # steps read at once


@dataclass(frozen=True, slots=True)
class News:
    """An execution as it is, and steps that changed."""

    execution: Execution
    steps: list[StepExecution]
    sequence: int


@dataclass(frozen=True, slots=True)
class Followers:
    """Reads on for those who follow executions."""

    database: Database
    bell: Bell

    async def news(self, actor: Actor, execution_id: UUID, after: int) -> AsyncIterator[News]:
        """Yield what changes in an execution after a sequence, until it has ended. ExecutionNotFound."""
        said = None
        async with aclosing(self.bell.looks(execution_id)) as looks:
            async for _ in looks:
                # Before its steps, so that none changes after its end was seen.
                execution = await self.database.read(actor, queries.get_execution, execution_id=execution_id)
                steps = await self._more(actor, execution_id, after)
                while steps:
                    after, said = steps[-1].sequence, execution
                    yield News(execution, steps, after)
                    steps = await self._more(actor, execution_id, after) if len(steps) == _BATCH else []
                if execution != said:
                    said = execution
                    yield News(execution, [], after)
                if execution.end_time is not None:
                    return

    async def _more(self, actor: Actor, execution_id: UUID, after: int) -> list[StepExecution]:
        return await self.database.read(actor, queries.read_steps, execution_id=execution_id, after=after, limit=_BATCH)
