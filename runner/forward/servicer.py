"""ForwardService: bytes to and from what programs of the room listen on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

from stateroom.runner.v1 import forward_service_pb2 as pb

from chassis.beside import beside
from chassis.errors import InvalidField, Violation
from chassis.rpc.call import Call
from runner.errors import PortNotOpen
from runner.forward.listeners import Listeners

CHUNK = 64 * 1024
"""Bytes read at once; as many again may wait in the connection's buffer before the program has to wait."""
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ForwardServicer:
    """Serves stateroom.runner.v1.ForwardService."""

    listeners: Listeners = field(default_factory=Listeners)

    async def Forward(
        self, requests: AsyncIterator[pb.ForwardRequest], _call: Call
    ) -> AsyncIterator[pb.ForwardResponse]:
        """Connect to a port and carry bytes both ways until the program closes its side."""
        first = await anext(requests, pb.ForwardRequest())
        if not first.HasField("port"):
            raise InvalidField(Violation("port", "the first message must be the port"))
        reader, writer = await self._connect(first.port)
        try:
            yield pb.ForwardResponse(connected=pb.ForwardResponse.Connected())
            async with beside(_pass_on(requests, writer)):
                while data := await _read(reader):
                    yield pb.ForwardResponse(data=data)
        finally:
            writer.transport.abort()

    async def CheckPort(self, request: pb.CheckPortRequest, _call: Call) -> pb.CheckPortResponse:
        """Look who listens."""
        if await self.listeners.host(request.port) is None:
            raise PortNotOpen(request.port)
        return pb.CheckPortResponse()

    async def FindFreePort(self, _request: pb.FindFreePortRequest, _call: Call) -> pb.FindFreePortResponse:
        """Let the kernel choose a port."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return pb.FindFreePortResponse(port=probe.getsockname()[1])

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = await self.listeners.host(port)
        if host is None:
            raise PortNotOpen(port)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(host, port, limit=CHUNK)
        except OSError as exc:  # a timeout is one
            raise PortNotOpen(port) from exc


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return what comes next; nothing at the end, and when the program broke the connection."""
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


async def _pass_on(requests: AsyncIterator[pb.ForwardRequest], writer: asyncio.StreamWriter) -> None:
    """Write what the caller sends; once it has sent all, say so. A program that takes no more shows when it is read."""
    with suppress(OSError):
        async for request in requests:
            writer.write(request.data)
            await writer.drain()
        writer.write_eof()
