"""A connection to a preview's server, by way of the session service."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from stateroom.session.v1 import preview_gate_pb2 as gate_pb
from stateroom.session.v1 import preview_service_pb2 as pb

from chassis.errors import ServiceUnavailable
from chassis.rpc import status

SERVICE = "session"
_CONNECT_SECONDS = 20.0
_CHUNK = 256 << 10
"""Bytes in one message at most: a sixteenth of what a service takes."""

FirstMessage = pb.ConnectPreviewRequest | gate_pb.VisitPreviewRequest


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open connection; `call` is a bidirectional call of grpc.aio, which is not generic at run time."""

    call: Any
    message: type[FirstMessage]

    async def read(self) -> bytes:
        """Return what the server sent next; nothing once it has closed its side.

        Raises:
            DomainError: what the session service says, when it ended the connection.
        """
        try:
            response = await self.call.read()
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=SERVICE)
        return response.content if isinstance(response, pb.ConnectPreviewResponse) else b""

    async def write(self, data: bytes) -> bool:
        """Send bytes; False when the connection is over, of which `read` tells how."""
        try:
            for start in range(0, len(data), _CHUNK):
                await self.call.write(self.message(content=data[start : start + _CHUNK]))
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            return False
        return True


async def open_tunnel(call: Any, first: FirstMessage) -> Tunnel:  # as Tunnel's
    """Return the connection that the first message of a call asks for.

    Raises:
        DomainError: what the session service, or the room's runner, has against it.
    """
    tunnel = Tunnel(call, type(first))
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # reading tells why
                await call.write(first)
            await tunnel.read()
    except TimeoutError as exc:  # which cancelled the call
        raise ServiceUnavailable(SERVICE) from exc
    return tunnel
