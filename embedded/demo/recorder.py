"""A device that keeps every byte it was shown."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import aclosing

from cli.attachment import Ended, Output
from cli.device import Device, Reconnecting


class Recorder:
    """What one device assembled: `data` are the bytes from `first_offset` on, in order."""

    def __init__(self, name: str, device: Device) -> None:
        self.name = name
        self.device = device
        self.first_offset = device.offset
        self.data = bytearray()
        self.reconnections = 0
        self.ended: Ended | None = None
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Record until the session ends.

        Raises:
            CommandFailed: the server refuses, or nobody answers for long.
        """
        async with aclosing(self.device.events()) as events:
            async for event in events:
                await self._note(event)

    async def until(self, condition: Callable[["Recorder"], bool]) -> None:
        """Wait until the condition holds for what is recorded."""
        async with self._changed:
            await self._changed.wait_for(lambda: condition(self))

    @property
    def sha256(self) -> str:
        """Digest of all bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    async def _note(self, event: object) -> None:
        async with self._changed:
            match event:
                case Output():
                    # Appended as it comes: a byte sent twice or left out must show in the result.
                    self.data += event.data
                case Reconnecting():
                    self.reconnections += 1
                case Ended():
                    self.ended = event
                case _:
                    pass
            self._changed.notify_all()
