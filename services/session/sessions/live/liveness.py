"""The sign that this process lives: an advisory lock on a connection of its own, which PostgreSQL frees when it dies.

Logs and devices belong to a process by this number; the function `is_present` tells others whether it is gone.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

_BEAT = 2.0  # seconds between looks at the connection
_RETRY = 0.5  # seconds to wait after a failure

_log = logs.get("liveness")


@dataclass(frozen=True, slots=True)
class Liveness:
    """This process's number and the lock on it."""

    database: SystemDatabase
    number: int = field(default_factory=lambda: secrets.randbits(62) + 1)
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the lock is held."""

    async def run(self) -> None:
        """Hold the lock until cancelled; a lost connection is opened again."""
        while True:
            cancellation.heed()
            try:
                await self._hold()
            except FAILURES as exc:
                self.shown.clear()
                _log.warning("the lock that shows this process was lost, trying again", error=repr(exc))
                await asyncio.sleep(_RETRY)

    async def _hold(self) -> None:
        async with self.database.connection() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", self.number)
            self.shown.set()
            while True:
                cancellation.heed()
                await asyncio.sleep(_BEAT)
                await connection.execute("SELECT 1")
