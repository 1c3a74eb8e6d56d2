"""Wakes those who follow a conversation or an editor, in whichever process there is something new in it.

Every writer notifies all processes by the id of what is followed as it commits. A notification that is lost with its
connection is made up for: everybody looks again when the connection is opened, and every few seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase

CHANNEL = "conversations"
"""Where every process hears the id of a conversation, or of an editor's session, in which there is something new."""

_LOOK = 5.0  # seconds between looks without being woken
_RETRY = 0.5  # seconds to wait after a failure

_log = logs.get("bell")


@dataclass(frozen=True, slots=True)
class Bell:
    """The followers of this process, by what they follow."""

    database: SystemDatabase
    followers: dict[UUID, set[asyncio.Event]] = field(default_factory=dict)

    async def looks(self, followed: UUID) -> AsyncGenerator[None, None]:
        """Yield at once, and again each time there may be something new."""
        with self._following(followed) as awake:
            while True:
                awake.clear()
                yield
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await awake.wait()

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is opened again."""
        while True:
            cancellation.heed()
            try:
                await self._listen()
            except FAILURES as exc:
                _log.warning("what is new cannot be heard, trying again", error=repr(exc))
                await asyncio.sleep(_RETRY)

    @contextmanager
    def _following(self, followed: UUID) -> Iterator[asyncio.Event]:
        awake = asyncio.Event()
        self.followers.setdefault(followed, set()).add(awake)
        try:
            yield awake
        finally:
            self.followers[followed].discard(awake)
            if not self.followers[followed]:
                del self.followers[followed]

    async def _listen(self) -> None:
        async with self.database.connection() as connection:
            await connection.add_listener(CHANNEL, self._hear)
            try:
                self._wake(*self.followers)
                while True:
                    cancellation.heed()
                    await asyncio.sleep(_LOOK)
                    await connection.execute("SELECT 1")  # finds out that it is lost
            finally:
                with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                    await connection.remove_listener(CHANNEL, self._hear)

    def _hear(self, _connection: object, _process: int, _channel: str, followed: object) -> None:
        self._wake(UUID(str(followed)))

    def _wake(self, *followed: UUID) -> None:
        for each in followed:
            for awake in self.followers.get(each, ()):
                awake.set()
