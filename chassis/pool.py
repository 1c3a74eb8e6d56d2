"""The connections of a service's own role, which owns nothing and sees one account at a time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from chassis.settings import ServiceSettings
from chassis.sql import Connection

SESSION = {"idle_in_transaction_session_timeout": "10s", "client_connection_check_interval": "1s"}
"""Of every connection: a process that was stopped in a transaction must not keep its locks from others for ever, and a
statement whose caller has hung up ends."""

_COMMAND_TIMEOUT = 10.0  # seconds one statement may take
_READ_ONLY = {"default_transaction_read_only": "on"}  # unless a transaction says that it writes
_CLOSE_TIMEOUT = 2.0  # seconds a connection has to say goodbye


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that a pool may have, that are in use, and callers that wait for one."""

    size: int
    in_use: int
    waiting: int


class Pool:
    """At most `size` connections, opened when they are needed; the one used last is used next."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._waiting = 0
        self._idle: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._idle.put_nowait(None)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """Wait for a connection and give it back at the end of the block; one that died is replaced.

        It shows no account that its next user could rely on: begin with one, in a transaction, or use `showing`.

        Raises:
            asyncpg.PostgresError, OSError: none could be opened.
        """
        self._waiting += 1
        try:
            connection = await self._idle.get()
        finally:
            self._waiting -= 1
        try:
            if connection is None or connection.driver.is_closed():
                connection = Connection(await self._open())
            yield connection
        finally:
            if connection is not None and connection.in_transaction:
                connection.driver.terminate()  # it could not be ended, and would go on with the next lease
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def showing(self, account_id: UUID) -> AsyncIterator[Connection]:
        """Lease a connection for reading, on which row security shows one account and no other.

        One whose reader was cancelled is not used again: asyncpg prepares and runs a statement in one transaction of
        the server's, which stays open, and says nothing of it, when the second half is never sent.
        """
        async with self.lease() as connection:
            try:
                await connection.show(account_id)
                yield connection
            except (asyncio.CancelledError, TimeoutError):
                connection.driver.terminate()
                raise

    def use(self) -> PoolUse:
        """Return how busy the pool is."""
        return PoolUse(self._size, self._size - self._idle.qsize(), self._waiting)

    async def close(self) -> None:
        """Close the connections that nobody uses; those in use end with the process."""
        while not self._idle.empty():
            connection = self._idle.get_nowait()
            if connection is not None:
                await connection.driver.close(timeout=_CLOSE_TIMEOUT)

    async def _open(self) -> Any:  # asyncpg is untyped here
        settings = SESSION | _READ_ONLY
        driver = await asyncpg.connect(self._url, command_timeout=_COMMAND_TIMEOUT, server_settings=settings)
        # SQLAlchemy gives JSON as text and wants it back as what it says.
        await driver.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
        return driver


@asynccontextmanager
async def open_pool(settings: ServiceSettings) -> AsyncIterator[Pool]:
    """Open the pool. RuntimeError when the role could see past row security."""
    url = settings.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://")
    pool = Pool(url, settings.database_pool_size)
    try:
        async with pool.lease() as connection:
            await check_role(connection.driver)
        yield pool
    finally:
        await pool.close()


async def check_role(driver: Any) -> None:  # as above
    """Refuse a role that row security does not bind: a superuser, one with BYPASSRLS, or the owner of a table."""
    unbound = await driver.fetchval(
        "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
        " FROM pg_roles WHERE rolname = current_user"
    )
    if unbound:
        msg = "the database role is a superuser, has BYPASSRLS or owns tables; use the service's own role"
        raise RuntimeError(msg)
