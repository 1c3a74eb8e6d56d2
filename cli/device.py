"""A device: an attachment that outlives its connections, goes on where it was, and so sees every byte once."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from cli.attachment import Attached, Attachment, ConnectionCut, Ended, Event, Output, RoleChanged, Wish, attach
from cli.endpoint import Endpoint
from cli.errors import Unreachable

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 5.0
GIVE_UP_SECONDS = 120.0
"""Without any answer. The session does not care; it can be attached to later."""


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was cut; the device tries to attach again. Said once for each cut."""


DeviceEvent: TypeAlias = Event | Reconnecting


class Device:
    """A place where a session is shown. `offset` is the next byte it needs, `role` what it may do."""

    def __init__(self, endpoint: Endpoint, wish: Wish, account: str = "") -> None:
        self._endpoint = endpoint
        self._wish = wish
        self._account = account
        self._attachment: Attachment | None = None
        self._connected = asyncio.Event()
        self.offset = wish.offset
        self.role = ""

    async def events(self) -> AsyncGenerator[DeviceEvent, None]:
        """Yield what the session says, across connections, until it ends.

        Raises:
            CommandFailed: the server refuses, or nobody answered for two minutes.
        """
        loop = asyncio.get_running_loop()
        silent_since, delay = loop.time(), FIRST_DELAY_SECONDS
        while True:
            try:
                async with attach(self._endpoint, self._wish_now(), self._account) as attachment:
                    async for event in self._through(attachment):
                        silent_since, delay = loop.time(), FIRST_DELAY_SECONDS
                        yield event
                        if isinstance(event, Ended):
                            return
            except ConnectionCut as cut:
                if self._connected.is_set():
                    self._connected.clear()
                    silent_since = loop.time()
                    yield Reconnecting()
                if loop.time() - silent_since > GIVE_UP_SECONDS:
                    msg = f"Nothing answers at {self._endpoint.url}; attach again when it does, nothing is lost."
                    raise Unreachable(msg) from cut
            # Jitter: many devices lose the same server at the same instant.
            await asyncio.sleep(delay * (0.5 + secrets.randbelow(1000) / 1000))
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    async def type(self, data: bytes) -> None:
        """Type bytes, waiting for a connection where there is none; bytes under way when it is cut may be lost."""
        while True:
            await self._connected.wait()
            if self._attachment is not None:
                try:
                    return await self._attachment.type(data)
                except ConnectionCut:
                    self._connected.clear()

    async def resize(self, columns: int, rows: int) -> None:
        """Note the device's size and, when it controls the session, make it the session's."""
        self._wish = replace(self._wish, columns=columns, rows=rows)
        if self._attachment is not None and self._connected.is_set() and self.role == "CONTROLLER":
            try:
                await self._attachment.resize(columns, rows)
            except ConnectionCut:
                return

    def cut(self) -> None:
        """Drop the connection without a word, as a network does."""
        if self._attachment is not None:
            self._attachment.cut()

    async def _through(self, attachment: Attachment) -> AsyncIterator[Event]:
        async for event in attachment.events():
            match event:
                case Attached():
                    self.role, self.offset = event.role, event.offset
                    self._attachment = attachment
                    self._connected.set()
                case RoleChanged():
                    self.role = event.role
                case Output():
                    self.offset = event.offset + len(event.data)
                case _:
                    pass
            yield event

    def _wish_now(self) -> Wish:
        """Return the wish from the offset reached; who controlled takes control back from its dead connection."""
        if not self.role:
            return self._wish
        again = replace(self._wish, offset=self.offset, screen=False)
        return replace(again, role=self.role, take_over=self.role == "CONTROLLER")
