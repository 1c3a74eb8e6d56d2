"""Connections to what listens on a port of a room, through the room's runner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from stateroom.runner.v1 import forward_service_pb2 as pb
from stateroom.runner.v1.forward_service_pb2_grpc import ForwardServiceStub

from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc import status
from services.session.sessions.live.runners import NAME, Runner, Runners

CONNECT_SECONDS = 10.0
_STALE = {"SERVICE_UNAVAILABLE", "RUNNER_TOKEN_REFUSED"}


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open connection; `call` is a bidirectional call of grpc.aio, which is not generic at run time."""

    call: Any

    async def read(self) -> bytes:
        """Return what the program sent next; nothing once it has closed its side. ServiceUnavailable."""
        try:
            response = await self.call.read()
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=NAME)
        return response.data if isinstance(response, pb.ForwardResponse) else b""

    async def write(self, data: bytes) -> bool:
        """Send bytes; False when the connection is over, of which `read` tells how."""
        try:
            await self.call.write(pb.ForwardRequest(data=data))
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
            return False
        return True

    async def close_writing(self) -> None:
        """Tell the program that nothing more comes."""
        with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
            await self.call.done_writing()


@dataclass(frozen=True, slots=True)
class Tunnels:
    """Opens connections to rooms."""

    runners: Runners

    @asynccontextmanager
    async def open(self, account_id: UUID, workspace_id: UUID, port: int) -> AsyncIterator[Tunnel]:
        """Connect for a block. Raises what the workspace service says of the workspace; PortNotOpen of its runner."""
        _runner, call = await self._connect(account_id, workspace_id, port)  # whose channel is closed with the last use
        try:
            yield Tunnel(call)
        finally:
            call.cancel()

    async def free_port(self, account_id: UUID, workspace_id: UUID) -> int:
        """Return a port of a workspace's network on which nothing listens."""
        runner = await self.runners.enter(account_id, workspace_id)
        stub: Any = ForwardServiceStub(runner.peer.channel)
        found: pb.FindFreePortResponse = await runner.call(stub.FindFreePort, pb.FindFreePortRequest())
        return found.port

    async def _connect(self, account_id: UUID, workspace_id: UUID, port: int) -> tuple[Runner, Any]:  # as Tunnel's
        runner = await self.runners.find(account_id, workspace_id)
        try:
            return runner, await _forward(runner, port)
        except DomainError as exc:
            if exc.reason not in _STALE:
                raise
            self.runners.forget(workspace_id)
            runner = await self.runners.find(account_id, workspace_id)
            return runner, await _forward(runner, port)


async def _forward(runner: Runner, port: int) -> Any:  # as Tunnel's
    stub: Any = ForwardServiceStub(runner.peer.channel)
    call = stub.Forward(metadata=runner.peer.metadata())
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):  # reading tells why
                await call.write(pb.ForwardRequest(port=port))
            await call.read()
    except TimeoutError as exc:  # which cancelled the call
        raise ServiceUnavailable(NAME) from exc
    except grpc.aio.AioRpcError as exc:
        status.raise_relayed(exc, service=NAME)
    return call
