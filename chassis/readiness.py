"""Whether a service should be called: its database answers, and no consumer of its has stopped for good."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from chassis import cancellation, logs
from chassis.consumer import Consumer
from chassis.rpc.server import Server
from chassis.system import SystemDatabase

INTERVAL = 1.0
"""Seconds between two looks."""
_ANSWERS = 5.0  # seconds the database may take

_log = logs.get("readiness")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Keeps what a server says of its health true. Calls are served either way: some may still work."""

    server: Server
    database: SystemDatabase
    consumers: Sequence[Consumer]

    async def run(self) -> None:
        """Look until cancelled."""
        known: list[str] = []
        while True:
            cancellation.heed()
            found = await self.problems()
            if found != known:
                _log.warning("readiness changed", problems=found)
                await self.server.set_ready(ready=not found)
                known = found
            await asyncio.sleep(INTERVAL)

    async def problems(self) -> list[str]:
        """Return what keeps the service from being ready, one sentence each; empty when nothing does."""
        found = [
            f"the record of {consumer.source.name} went back; its changes are not consumed any more"
            for consumer in self.consumers
            if consumer.stopped
        ]
        try:
            async with asyncio.timeout(_ANSWERS), self.database.connection() as connection:
                await connection.execute("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # a TimeoutError is an OSError
            found.append("the database does not answer")
        return found
