"""Logs are let go by the month in which their sessions were created, once that is long enough ago.

A month goes as a whole, with its partition, and only when all its sessions have ended and all their output is stored:
one that lives on keeps its month. What went is a change of each account; that commits first, and the partition is
dropped then, again and again until it is gone.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.session.history import operations, store
from services.session.history.store import Driver

INTERVAL = 3600.0
"""Seconds between looks at what is due."""

_log = logs.get("expiry")


@dataclass(frozen=True, slots=True)
class Expiry:
    """Lets go of logs after `months` whole months; with `dry_run` it only tells what would go. Several may run."""

    database: Database
    system: SystemDatabase
    months: int
    dry_run: bool

    async def run(self) -> None:
        """Look until cancelled; failures are logged and tried again with the next look."""
        while self.months:
            cancellation.heed()
            try:
                await self.sweep()
            except (*FAILURES, DomainError) as exc:
                _log.warning("letting go of logs failed, trying again", error=repr(exc))
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Let go of all months that are due, unless another process is at it."""
        async with self.system.connection() as connection:  # no transaction, which would be idle for too long meanwhile
            if not await store.try_lock(connection):
                return
            try:
                for month in await store.months_over(connection, self.months):
                    await self._let_go(connection, month)
            finally:
                await store.unlock(connection)

    async def _let_go(self, connection: Driver, month: datetime) -> None:
        unfinished = await store.count_unfinished(connection, month)
        held = await store.held(connection, month, datetime.now(UTC))
        _log.info(
            "logs are due",
            month=f"{month:%Y-%m}",
            accounts=len(held),
            sessions=sum(each.session_count for each in held),
            output_bytes=sum(each.output_bytes for each in held),
            unfinished_sessions=unfinished,
            dry_run=self.dry_run,
        )
        if unfinished or self.dry_run:
            return
        for each in held:
            actor = Actor.of_service("session", each.account_id)
            await self.database.write(actor, operations.expire_month, month=each)
        async with self.system.transaction() as dropping:
            await store.drop(dropping, month)
