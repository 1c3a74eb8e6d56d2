"""Following what the steps of an execution say: what was said, then what is, until it has ended."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from chassis.actor import Actor
from chassis.bell import Bell
from chassis.database import Database
from services.execution.executions import queries as executions
from services.execution.logs import queries
from services.execution.logs.domain import Line
from services.execution.logs.queries import Filter

_BATCH = 500  # lines read at once


@dataclass(frozen=True, slots=True)
class LogFollowers:
    """Reads on for those who follow logs."""

    database: Database
    bell: Bell

    async def lines(self, actor: Actor, wanted: Filter, after: int) -> AsyncIterator[list[Line]]:
        """Yield lines after a position as they are said, until the execution has ended. ExecutionNotFound."""
        async with aclosing(self.bell.looks(wanted.execution_id)) as looks:
            async for _ in looks:
                # Before its lines, so that none is said after its end was seen.
                execution = await self.database.read(actor, executions.get_execution, execution_id=wanted.execution_id)
                while lines := await self._more(actor, wanted, after):
                    after = lines[-1].position
                    yield lines
                if execution.end_time is not None:
                    return

    async def _more(self, actor: Actor, wanted: Filter, after: int) -> list[Line]:
        return await self.database.read(actor, queries.read_lines, wanted=wanted, after=after, limit=_BATCH)
