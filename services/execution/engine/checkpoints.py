"""Group commit: while one statement is under way, the checkpoints of all executions are collected for the next."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

import asyncpg

from chassis import cancellation, faults, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase
from services.execution.executions.store import lease_store
from services.execution.executions.store.lease_store import Checkpoint

LIMIT = 1000
"""Executions in one statement."""

_RETRY = 0.25  # seconds to wait after a failure

_REFUSALS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.SyntaxOrAccessError)
"""What will be no better the next time."""

_BEFORE = faults.Point("checkpoints.before_commit", "Steps have ended, and nothing says so.")
_AFTER = faults.Point("checkpoints.after_commit", "Steps have ended and are stored; the next ones have not begun.")

_log = logs.get("checkpoints")


@dataclass(slots=True)
class _Waiting:
    checkpoint: Checkpoint
    written: list["asyncio.Future[bool]"]


@dataclass(slots=True)
class Checkpoints:
    """Stores the checkpoints of the executions of one engine, in the order in which each was made."""

    database: SystemDatabase
    wake_relay: Callable[[], None]
    waiting: dict[UUID, _Waiting] = field(default_factory=dict)
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, checkpoint: Checkpoint) -> bool:
        """Return when it is stored: True; or cannot be any more, because somebody else owns the execution: False."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = self.waiting.get(checkpoint.execution.execution_id)
        if waiting is None:
            self.waiting[checkpoint.execution.execution_id] = _Waiting(checkpoint, [done])
        else:  # two steps of one execution have ended meanwhile
            checkpoint.steps = waiting.checkpoint.steps | checkpoint.steps
            waiting.checkpoint = checkpoint
            waiting.written.append(done)
        self.awake.set()
        return await done

    async def run(self) -> None:
        """Store until cancelled; a failure of the database is logged, and all is tried again."""
        while True:
            cancellation.heed()
            await self.awake.wait()
            self.awake.clear()
            batch = self._batch()
            if batch:
                await self._store(batch)

    def _batch(self) -> list[_Waiting]:
        batch = [self.waiting.pop(execution_id) for execution_id in list(islice(self.waiting, LIMIT))]
        if self.waiting:
            self.awake.set()
        return batch

    async def _store(self, batch: list[_Waiting]) -> None:
        checkpoints = [each.checkpoint for each in batch]
        try:
            held = await self._written(checkpoints)
        except _REFUSALS as exc:  # one execution's trouble must not be that of the others
            _log.exception("what an execution has come to cannot be stored", error=repr(exc))
            held = set[UUID]().union(*[await self._written_alone(each) for each in checkpoints])
        for each in batch:
            for done in each.written:
                if not done.done():
                    done.set_result(each.checkpoint.execution.execution_id in held)
        if any(each.checkpoint.change is not None for each in batch):
            self.wake_relay()

    async def _written_alone(self, checkpoint: Checkpoint) -> set[UUID]:
        try:
            return await self._written([checkpoint])
        except _REFUSALS:
            return set()

    async def _written(self, checkpoints: list[Checkpoint]) -> set[UUID]:
        """Store until the database answers: who cannot wait so long loses the lease, and then it is refused."""
        while True:
            cancellation.heed()
            try:
                async with self.database.connection() as connection:
                    _BEFORE.reach()
                    held = await lease_store.store(connection, checkpoints)
            except _REFUSALS:
                raise
            except FAILURES as exc:
                _log.warning("checkpoints are not stored, trying again", error=repr(exc))
                await asyncio.sleep(_RETRY)
            else:
                _AFTER.reach()
                return held
