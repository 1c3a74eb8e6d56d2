"""Schedules: whoever looks first decides about the times that are over, and starts what is to be started.

Any number of replicas look. Which one decides is found out in the transaction that holds the trigger's row, stores the
decisions and the executions, and passes on to the next time; the others come too late and change nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.system import SystemDatabase
from services.execution.engine.engine import Engine
from services.execution.expressions import Evaluation
from services.execution.triggers import inputs, operations, queries
from services.execution.triggers.domain import LISTED, key_of
from services.execution.triggers.errors import TriggerNotFound
from services.execution.triggers.taking import take

Clock = Callable[[], datetime]
"""Says what time it is, in UTC."""

SWEEP = 0.5
"""Seconds between looks, at most: another process may have made a trigger."""

_SOON = 0.01  # seconds between looks, at least
_BATCH = 100  # triggers looked at together
_AT_ONCE = 4  # of them decided about at the same time; each needs a connection

_NEXT = """
SELECT trigger_id, account_id, next_time FROM triggers WHERE next_time IS NOT NULL ORDER BY next_time LIMIT $1
"""

_log = logs.get("scheduler")


def wall_clock() -> datetime:
    """Return what time it is."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Scheduler:
    """Decides about the times of the schedules of all accounts."""

    database: Database
    system: SystemDatabase
    evaluation: Evaluation
    engine: Engine
    clock: Clock = wall_clock

    async def run(self) -> None:
        """Look until cancelled; a failure of the database is logged, and all is tried again."""
        while True:
            cancellation.heed()
            seconds = SWEEP
            try:
                following = await self.sweep()
                if following is not None:
                    seconds = (following - self.clock()).total_seconds()
            except FAILURES as exc:
                _log.warning("looking at schedules failed, trying again", error=repr(exc))
            await asyncio.sleep(min(max(seconds, _SOON), SWEEP))

    async def sweep(self) -> datetime | None:
        """Decide about what is over; returns when the next time is that may be due by then, None when that is far."""
        async with self.system.connection() as connection:
            rows = await connection.fetch(_NEXT, _BATCH)
        now = self.clock()
        turn = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            due = [row for row in rows if row["next_time"] <= now]
            for row in due:
                group.create_task(self._attempt(turn, row["account_id"], row["trigger_id"]))
        if len(due) < len(rows):
            return None if due else rows[0]["next_time"]
        return now if len(rows) == _BATCH else None

    async def _attempt(self, turn: asyncio.Semaphore, account_id: UUID, trigger_id: UUID) -> None:
        async with turn:
            try:
                await self._decide(account_id, trigger_id)
            except Exception as exc:  # noqa: BLE001  # one trigger's trouble must not end the work on all others; it is looked at again
                _log.warning("a schedule was not decided about", trigger_id=str(trigger_id), exc_info=exc)

    async def _decide(self, account_id: UUID, trigger_id: UUID) -> None:
        actor = Actor(account_id, f"trigger:{trigger_id}")
        with suppress(TriggerNotFound):
            trigger = await self.database.read(actor, queries.get_trigger, trigger_id=trigger_id)
            now = self.clock()
            times = trigger.due(now)
            listed = times[-LISTED:]
            skipped = set(trigger.missed(listed, now))
            expressions = self.evaluation.of(account_id)
            given = {
                time: await inputs.of_event(trigger.inputs, _event(trigger_id, time), expressions)
                for time in listed
                if time not in skipped
            }
            started = await self.database.write(
                actor,
                operations.decide_times,
                trigger=trigger,
                times=times,
                inputs=given,
                now=now,
                owner=self.engine.owner,
            )
            take(self.engine, started)


def _event(trigger_id: UUID, time: datetime) -> dict[str, str]:
    return {"trigger_id": str(trigger_id), "time": key_of(time)}
