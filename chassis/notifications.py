"""Hearing what the processes of a service notify each other of as they commit.

A notification that is lost with its connection is made up for by the listener: it looks at everything every `LOOK`
seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import Connection, SystemDatabase

LOOK = 5.0
"""Seconds between looks without being woken."""

_RETRY = 0.5  # seconds to wait after a failure

_log = logs.get("notifications")


async def listen(
    database: SystemDatabase,
    channel: str,
    hear: Callable[[str], None],
    attend: Callable[[Connection], Awaitable[None]],
) -> None:
    """Listen until cancelled; a lost connection is opened again.

    Args:
        database: where it is notified.
        channel: of PostgreSQL's NOTIFY.
        hear: gets each payload as it comes.
        attend: runs on the listening connection, over and over; it has to use it, which finds out that it is lost.
    """
    while True:
        cancellation.heed()
        try:
            await _listen(database, channel, hear, attend)
        except FAILURES as exc:
            _log.warning("notifications cannot be heard, trying again", channel=channel, error=repr(exc))
            await asyncio.sleep(_RETRY)


async def _listen(
    database: SystemDatabase,
    channel: str,
    hear: Callable[[str], None],
    attend: Callable[[Connection], Awaitable[None]],
) -> None:
    def heard(_connection: object, _process: int, _channel: str, payload: object) -> None:
        hear(str(payload))

    async with database.connection() as connection:
        await connection.add_listener(channel, heard)
        try:
            while True:
                cancellation.heed()
                await attend(connection)
        finally:
            with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                await connection.remove_listener(channel, heard)
