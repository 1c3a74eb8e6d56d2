"""A gateway's WebSocket with one session behind it, for tests of devices: prints given bytes, and cuts where told."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cli.endpoint import Endpoint

FRAME_BYTES = 1000
CREDIT_BYTES = 128 * 1024


class FakeSession:
    """`cuts` are offsets at which the connection is dropped, each once. With `stay` it never ends.

    `role` is what every device gets. `screen` is what one gets that asks for it, and then the last byte of the output.
    """

    def __init__(
        self,
        output: bytes,
        *,
        cuts: tuple[int, ...] = (),
        stay: bool = False,
        role: str = "CONTROLLER",
        screen: bytes = b"",
    ) -> None:
        self.role, self.screen = role, screen
        self.output, self.cuts, self.stay = output, list(cuts), stay
        self.wishes: list[dict[str, str]] = []
        self.typed = bytearray()
        self.messages: list[dict[str, dict[str, object]]] = []
        self.changed = asyncio.Condition()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Endpoint]:
        """Serve on a free port."""
        async with serve(self._device, "127.0.0.1", 0) as server:
            yield Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "srk_test")

    async def until_typed(self, data: bytes) -> None:
        """Wait until these bytes were typed."""
        async with self.changed:
            await self.changed.wait_for(lambda: data in self.typed)

    async def until_message(self, kind: str) -> dict[str, object]:
        """Wait for a text frame of this kind and return its content."""
        async with self.changed:
            await self.changed.wait_for(lambda: any(kind in message for message in self.messages))
        return next(message[kind] for message in reversed(self.messages) if kind in message)

    async def _device(self, device: ServerConnection) -> None:
        assert device.request is not None
        query = parse_qs(urlsplit(device.request.path).query)
        self.wishes.append({name: values[0] for name, values in query.items()})
        shows = bool(self.screen) and "attach.screen" in self.wishes[-1]
        offset = len(self.output) - 1 if shows else int(self.wishes[-1]["attach.offset"])
        attached = {"offset": str(offset), "endOffset": str(len(self.output)), "role": self.role}
        with suppress(ConnectionClosed):
            await device.send(json.dumps({"attached": attached}))
            if shows:
                await device.send(json.dumps({"screen": {"data": base64.b64encode(self.screen).decode()}}))
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(device))
                await self._print(device, offset)
                if not self.stay:
                    listening.cancel()

    @property
    def acknowledged(self) -> int:
        """The last offset that was acknowledged."""
        return max((int(str(message["ack"]["offset"])) for message in self.messages if "ack" in message), default=0)

    async def _print(self, device: ServerConnection, start: int) -> None:
        offset = start
        while offset < len(self.output):
            if self.cuts and offset >= self.cuts[0]:
                self.cuts.pop(0)
                device.transport.abort()
                return
            await self._credit(start, offset)
            await device.send(self.output[offset : offset + FRAME_BYTES])
            offset += FRAME_BYTES
        if not self.stay:
            ended = {"state": "STOPPED", "stopReason": "EXIT", "exitCode": 3, "endOffset": str(len(self.output))}
            await device.send(json.dumps({"ended": ended}))
            await device.close()

    async def _credit(self, start: int, offset: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: offset - max(start, self.acknowledged) < CREDIT_BYTES)

    async def _listen(self, device: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for frame in device:
                async with self.changed:
                    if isinstance(frame, bytes):
                        self.typed += frame
                    else:
                        self.messages.append(json.loads(frame))
                    self.changed.notify_all()
