"""Forgetting request ids that nobody repeats any more."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

KEPT = timedelta(hours=24)
"""How long a request may be repeated without a second effect."""
INTERVAL = 600.0
"""Seconds between sweeps."""
BATCH = 5_000
"""Rows deleted in one statement, which stays far below the time a statement may take."""

_FORGET = """
DELETE FROM idempotency WHERE (account_id, request_id) IN (
    SELECT account_id, request_id FROM idempotency WHERE create_time < now() - $1::interval
    ORDER BY create_time LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""

_log = logs.get("retention")


@dataclass(frozen=True, slots=True)
class Retention:
    """Sweeps the request ids of one service. Several replicas may do so at once."""

    database: SystemDatabase

    async def run(self) -> None:
        """Sweep until cancelled; failures are logged and tried again with the next sweep."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except FAILURES as exc:
                _log.warning("forgetting request ids failed, trying again", error=repr(exc))
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Forget all request ids that are older than 24 hours."""
        forgotten = BATCH
        while forgotten == BATCH:
            async with self.database.connection() as connection:
                status = await connection.execute(_FORGET, KEPT, BATCH)
            forgotten = int(status.rpartition(" ")[2])
