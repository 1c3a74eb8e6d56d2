"""Work outside the database: rows that say what should be are claimed, one function makes it so, the row is updated.

A table takes part with the columns `reconcile_time` (when it is due; NULL for never), `reconcile_epoch` and
`reconcile_attempts`. A claim raises the epoch and pushes the time into the future, again and again while the work goes
on, so that a claimant that dies is followed by another. Who changes what the row says raises the epoch too: then the
claim is void, and its outcome is not written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from chassis import cancellation, faults, logs, trace
from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import FAILURES
from chassis.errors import DomainError
from chassis.system import SystemDatabase

LEASE = 6.0
"""Seconds after the last sign of a claimant's life at which another may claim the row."""
SWEEP = 0.5
"""Seconds after which the table is looked at without a wake-up."""

_SIGNS = 3  # signs of life in one lease
_BATCH = 16
_BACKOFF = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONGEST = 30.0  # seconds between attempts in the end

_CLAIM = """
UPDATE {table} SET
    reconcile_epoch = reconcile_epoch + 1, reconcile_attempts = reconcile_attempts + 1,
    reconcile_time = now() + make_interval(secs => $1)
WHERE {key} IN (
    SELECT {key} FROM {table} WHERE reconcile_time <= now() ORDER BY reconcile_time LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING {key} AS id, account_id, reconcile_epoch AS epoch, reconcile_attempts AS attempts
"""
_SET_DUE = """
UPDATE {table} SET reconcile_time = now() + make_interval(secs => $3) WHERE {key} = $1 AND reconcile_epoch = $2
"""

_FORESEEN = (DomainError, *FAILURES)

_AFTER_CLAIM = faults.Point("reconcile.after_claim", "A row is claimed, and no work on it has begun.")
_AFTER_WORK = faults.Point("reconcile.after_work", "The world is as the row says, and the row is still claimed.")

_log = logs.get("reconcile")


@dataclass(frozen=True, slots=True)
class Claim:
    """A row this process may work on until its epoch passes, as the service in the row's account.

    `attempts` counts from 1.
    """

    entity_id: UUID
    actor: Actor
    epoch: int
    attempts: int


@dataclass(slots=True)
class Reconciler:
    """Works through the due rows of one table of a service.

    `work` makes the world as the row says, and returns after how many seconds to look at the row again, None for never.
    It must be safe to run again. When it raises anything, the row is tried again later; what was not foreseen is logged
    with its stack.
    """

    service: str
    table: str
    key: str
    database: SystemDatabase
    work: Callable[[Claim], Awaitable[float | None]]
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    lease: float = LEASE

    def wake(self) -> None:
        """Tell the reconciler that a row became due."""
        self.awake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                cancellation.heed()
                for claim in await self._claim():
                    group.create_task(self._attempt(claim))
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP):
                        await self.awake.wait()
                self.awake.clear()

    async def _claim(self) -> list[Claim]:
        statement = _CLAIM.format(table=self.table, key=self.key)
        try:
            async with self.database.connection() as connection:
                rows = await connection.fetch(statement, self.lease, _BATCH)
        except FAILURES as exc:
            _log.warning("claiming failed, trying again", table=self.table, error=str(exc))
            return []
        return [Claim(row["id"], self._actor(row["account_id"]), row["epoch"], row["attempts"]) for row in rows]

    def _actor(self, account_id: UUID) -> Actor:
        return Actor.of_service(self.service, account_id)

    async def _attempt(self, claim: Claim) -> None:
        trace.continue_from(None)
        try:
            async with beside(self._renew(claim)):
                _AFTER_CLAIM.reach()
                again = await self.work(claim)
                _AFTER_WORK.reach()
        except Exception as exc:  # noqa: BLE001  # one row's trouble, foreseen or not, must not end the work on all others
            again = _BACKOFF[claim.attempts - 1] if claim.attempts <= len(_BACKOFF) else _LONGEST
            _log.warning(
                "reconciling failed",
                table=self.table,
                entity_id=str(claim.entity_id),
                attempts=claim.attempts,
                error=repr(exc),
                exc_info=None if isinstance(exc, _FORESEEN) else exc,
            )
        await self._set_due(claim, again)

    async def _renew(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self.lease / _SIGNS)
            await self._set_due(claim, self.lease)

    async def _set_due(self, claim: Claim, seconds: float | None) -> None:
        """Make a claimed row due after a while, or never, unless the claim is void."""
        with suppress(*FAILURES):  # the lease brings it back
            async with self.database.connection() as connection:
                statement = _SET_DUE.format(table=self.table, key=self.key)
                await connection.execute(statement, claim.entity_id, claim.epoch, seconds)
