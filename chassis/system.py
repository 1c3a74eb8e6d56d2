"""The database as the machinery sees it that serves all accounts at once: relay, consumers, reconcilers.

Most of what it does, several times a second, is to look for work: one statement and one round trip.

Nothing else may import this module; an import contract holds that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from chassis.pool import SESSION, PoolUse, check_role
from chassis.settings import ServiceSettings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_COMMAND_TIMEOUT = 10.0  # seconds
_POOL = 12  # connections: a relay, reconcilers, consumers, and those that listen for good


class SystemDatabase:
    """Transactions that see every account."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._waiting = 0

    def pool_use(self) -> PoolUse:
        """Return how busy the pool is."""
        return PoolUse(self._pool.get_max_size(), self._pool.get_size() - self._pool.get_idle_size(), self._waiting)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction; it commits at the end of the block, or rolls back."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Open a connection for single statements. What it sets of the server's session, it has to take back.

        One whose user was cancelled is not used again, for the reason that `Pool.showing` gives.
        """
        self._waiting += 1
        try:
            connection = await self._pool.acquire()
        finally:
            self._waiting -= 1
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection)


async def _as_it_is(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give a connection back without the round trip by which asyncpg takes back what nobody here sets."""


@asynccontextmanager
async def open_system_database(settings: ServiceSettings) -> AsyncIterator[SystemDatabase]:
    """Open the pool of the system role, which row-security policies name. RuntimeError if it bypasses them."""
    url = settings.system_database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://")
    async with asyncpg.create_pool(
        url, min_size=1, max_size=_POOL, reset=_as_it_is, command_timeout=_COMMAND_TIMEOUT, server_settings=SESSION
    ) as pool:
        async with pool.acquire() as connection:
            await check_role(connection)
        yield SystemDatabase(pool)
