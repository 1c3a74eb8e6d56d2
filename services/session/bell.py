"""Wakes those who follow a conversation or an editor, in whichever process there is something new in it.

Every writer notifies all processes by the id of what is followed as it commits.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from chassis import notifications
from chassis.system import Connection, SystemDatabase

CHANNEL = "conversations"
"""Where every process hears the id of a conversation, or of an editor's session, in which there is something new."""


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
                await awake.wait()

    async def run(self) -> None:
        """Listen until cancelled."""
        await notifications.listen(self.database, CHANNEL, self._hear, self._attend)

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

    async def _attend(self, connection: Connection) -> None:
        self._wake(*self.followers)
        await asyncio.sleep(notifications.LOOK)
        await connection.execute("SELECT 1")

    def _hear(self, followed: str) -> None:
        self._wake(UUID(followed))

    def _wake(self, *followed: UUID) -> None:
        for each in followed:
            for awake in self.followers.get(each, ()):
                awake.set()
