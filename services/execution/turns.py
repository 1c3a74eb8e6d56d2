"""Turns at what answers one question at a time: accounts take them one after the other, however much each asks."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Turns:
    """Gives turns. Who asks a lot waits behind their own questions; others wait for one of these at most."""

    _taken: bool = False
    _waiting: dict[UUID, deque[asyncio.Future[None]]] = field(default_factory=dict)
    """By account, in the order in which accounts have their next turn."""

    @asynccontextmanager
    async def turn(self, account_id: UUID) -> AsyncIterator[None]:
        """Wait for a turn of an account and have it for a block."""
        if self._taken:
            await self._wait(account_id)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, account_id: UUID) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account_id, deque()).append(called)
        try:
            await called
        except asyncio.CancelledError:
            if not called.cancelled():  # it is our turn, and we do not want it any more
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to the next account that waits."""
        while self._waiting:
            account_id, calls = next(iter(self._waiting.items()))
            del self._waiting[account_id]
            called = calls.popleft()
            if calls:
                self._waiting[account_id] = calls  # behind all others
            if not called.done():
                called.set_result(None)
                return
        self._taken = False
