"""Connections to what programs of a room listen on, and to nothing else of the machine."""

import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from stateroom.runner.v1 import forward_service_pb2 as pb
from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.forward_service_pb2_grpc import ForwardServiceStub

from chassis import ids
from runner import room
from tests.support.runner_rooms import runner_process
from tests.support.stage import reason
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the runner they share

ECHO = """
import socketserver, sys
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)
        self.request.sendall(b"the end")
socketserver.ThreadingTCPServer.address_family = int(sys.argv[3])
socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), Echo).serve_forever()
"""


class Forwarded:
    """A runner and connections through it."""

    def __init__(self, stub: Any, forward: Any, metadata: Any) -> None:
        self.stub, self.forward, self.metadata = stub, forward, metadata

    async def serve(self, host: str = "127.0.0.1", family: int = socket.AF_INET) -> int:
        """Start an echo server in the room and return its port, once it is reached."""
        found = await self.forward.FindFreePort(pb.FindFreePortRequest(), metadata=self.metadata)
        command = ("python3", "-c", ECHO, host, str(found.port), str(int(family)))
        order = runner_pb.OpenTerminalRequest(
            session_id=str(ids.new()), command=command, piped=True, columns=80, rows=24
        )
        await self.stub.OpenTerminal(order, metadata=self.metadata)
        await until(lambda: self.is_open(found.port))
        return int(found.port)

    async def is_open(self, port: int) -> bool:
        """Whether the runner connects to a port."""
        try:
            async with self.connected(port):
                return True
        except grpc.aio.AioRpcError as exc:
            return reason(exc) != "PORT_NOT_OPEN"

    async def is_closed(self, port: int) -> bool:
        """Whether the runner refuses to connect to a port."""
        return not await self.is_open(port)

    @asynccontextmanager
    async def connected(self, port: int) -> AsyncIterator[Any]:
        """Connect to a port."""
        call = self.forward.Forward(metadata=self.metadata, timeout=PATIENCE)
        await call.write(pb.ForwardRequest(port=port))
        assert (await call.read()).HasField("connected")
        yield call
        call.cancel()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def forwarded() -> AsyncIterator[Forwarded]:
    """Return a runner in a process of its own, for all tests of this module."""
    with tempfile.TemporaryDirectory(prefix="room") as folder:
        room_folder, path = Path(folder) / "rooms" / "room", Path(folder) / "run" / "runner.sock"
        room.prepare(room_folder, path)
        async with runner_process(room_folder, path) as runner, grpc.aio.insecure_channel(f"unix:{path}") as channel:
            yield Forwarded(runner.stub, ForwardServiceStub(channel), runner.metadata)


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6), ("::", socket.AF_INET6)],
)
async def test_forward_to_a_program_of_the_room_carries_bytes_and_ends_both_ways(
    forwarded: Forwarded, host: str, family: int
) -> None:
    """What goes in comes out, at whatever address of the loopback it listens; each side is closed by itself."""
    port = await forwarded.serve(host, family)
    async with forwarded.connected(port) as call:
        for part in (b"one", b"two" * 50_000):
            await call.write(pb.ForwardRequest(data=part))
        await call.done_writing()
        received = bytearray()
        while response := await call.read():
            received += response.data
    assert bytes(received) == b"one" + b"two" * 50_000 + b"the end"


async def test_forward_to_what_others_listen_on_is_refused_without_a_connection(forwarded: Forwarded) -> None:
    """A port of this machine that no program of the room holds is as good as closed, and nobody notices the attempt."""
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        foreign.setblocking(False)  # noqa: FBT003  # the only form
        assert not await forwarded.is_open(foreign.getsockname()[1])
        with pytest.raises(BlockingIOError):
            foreign.accept()


async def test_check_port_tells_whose_it_is_and_connects_to_nobody(forwarded: Forwarded) -> None:
    """The program does not notice; what is not the room's, or nobody's, is refused."""
    port = await forwarded.serve()
    await forwarded.forward.CheckPort(pb.CheckPortRequest(port=port), metadata=forwarded.metadata)
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        wanted = pb.CheckPortRequest(port=foreign.getsockname()[1])
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await forwarded.forward.CheckPort(wanted, metadata=forwarded.metadata)
    assert reason(refused.value) == "PORT_NOT_OPEN"


async def test_forward_to_a_port_that_others_listen_on_as_well_is_refused(forwarded: Forwarded) -> None:
    """Who would answer is not for the room to decide: a port must be its alone."""
    port = await forwarded.serve("127.0.0.1")
    assert await forwarded.is_open(port)
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        await until(partial(forwarded.is_closed, port))
    await until(partial(forwarded.is_open, port))


async def test_forward_without_a_port_first_is_refused(forwarded: Forwarded) -> None:
    """Bytes need somewhere to go."""
    call = forwarded.forward.Forward(metadata=forwarded.metadata, timeout=PATIENCE)
    await call.write(pb.ForwardRequest(data=b"x"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert (refused.value.code(), reason(refused.value)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
