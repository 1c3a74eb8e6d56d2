"""Deliveries of all accounts are kept for a while, and forgotten a few at a time. What was decided about them stays."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

KEPT = timedelta(days=30)
INTERVAL = 3600.0
"""Seconds between looks."""
BATCH = 200
"""Deliveries that one statement deletes."""

_FORGET = """
DELETE FROM deliveries
WHERE delivery_id IN (SELECT delivery_id FROM deliveries WHERE receive_time < now() - $1::interval LIMIT $2) RETURNING 1
"""

_log = logs.get("forgetting")


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Forgets deliveries. Several processes may do so at once."""

    system: SystemDatabase

    async def run(self) -> None:
        """Look until cancelled; failures are logged and tried again with the next look."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except FAILURES as exc:
                _log.warning("forgetting deliveries failed, trying again", error=repr(exc))
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Forget all deliveries that are older."""
        async with self.system.connection() as connection:
            while len(await connection.fetch(_FORGET, KEPT, BATCH)) == BATCH:
                pass
