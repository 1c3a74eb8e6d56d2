"""Forgetting what is over, in all accounts, a few rows at a time."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

KEPT = timedelta(hours=24)
"""How long a request may be repeated without a second effect."""
REQUEST_IDS = f"""
DELETE FROM idempotency WHERE (account_id, request_id) IN (
    SELECT account_id, request_id FROM idempotency
    WHERE create_time < now() - interval '{KEPT.total_seconds():.0f} seconds'
    ORDER BY create_time LIMIT $1 FOR UPDATE SKIP LOCKED
)
"""  # noqa: S608  # a number of ours
"""Forgets the ids of older requests."""

_log = logs.get("retention")


@dataclass(frozen=True, slots=True)
class Retention:
    """Sweeps one table of a service. Several replicas may do so at once."""

    database: SystemDatabase
    statement: str
    """Deletes at most `$1` rows that are over."""
    batch: int = 5_000
    """Rows of one statement, which has to stay far below the time a statement may take."""
    interval: float = 600.0
    """Seconds between sweeps."""

    async def run(self) -> None:
        """Sweep until cancelled; failures are logged and tried again with the next sweep."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except FAILURES as exc:
                _log.warning("forgetting failed, trying again", statement=self.statement, error=repr(exc))
            await asyncio.sleep(self.interval)

    async def sweep(self) -> None:
        """Forget all that is over."""
        forgotten = self.batch
        while forgotten == self.batch:
            async with self.database.connection() as connection:
                status = await connection.execute(self.statement, self.batch)
            forgotten = int(status.rpartition(" ")[2])
