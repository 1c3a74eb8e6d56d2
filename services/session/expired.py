"""Tickets and passes that are over, of all accounts: they are forgotten a few at a time."""

import asyncio
from dataclasses import dataclass

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

INTERVAL = 3600.0
"""Seconds between looks."""
BATCH = 1000
"""Rows that one statement deletes."""

_KEYS = {"share_tickets": "ticket_id", "preview_passes": "pass_id"}
_FORGET = """
DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE expire_time < now() LIMIT $1) RETURNING 1
"""

_log = logs.get("expired")


@dataclass(frozen=True, slots=True)
class Expired:
    """Forgets what is over. Several processes may do so at once."""

    system: SystemDatabase

    async def run(self) -> None:
        """Look until cancelled; failures are logged and tried again with the next look."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except FAILURES as exc:
                _log.warning("forgetting tickets failed, trying again", error=repr(exc))
            await asyncio.sleep(INTERVAL)

    async def sweep(self) -> None:
        """Forget all tickets and passes that are over."""
        for table, key in _KEYS.items():
            statement = _FORGET.format(table=table, key=key)
            async with self.system.connection() as connection:
                while len(await connection.fetch(statement, BATCH)) == BATCH:
                    pass
