"""A keyboard whose device loses control while it types."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast
from unittest.mock import sentinel

import grpc
import pytest
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from services.session.sessions.live.keyboard import Keyboard

MORE_THAN_A_CONNECTION_HOLDS = 3 << 20


class Deaf:
    """A runner that takes the first two writes of a stream and no other."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def stream_input(self, requests: AsyncIterator[pb.WriteTerminalRequest], _context: Any) -> AsyncIterator[Any]:
        """Read twice."""
        await anext(requests)
        await anext(requests)
        self.heard.set()
        await asyncio.Event().wait()
        yield pb.WriteTerminalResponse()


class Room:
    """Knows one runner, as `Runners` knows many."""

    def __init__(self, runner: Deaf, channel: grpc.aio.Channel) -> None:
        self.runner = runner
        self._stub: Any = RunnerServiceStub(channel)

    async def find(self, _account_id: object, _workspace_id: object) -> "Room":
        """Return the runner."""
        return self

    def open_input(self) -> Any:  # a stream of grpc.aio
        """Open a stream of writes."""
        return self._stub.StreamInput()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    """Serve a runner that is deaf."""
    runner, server = Deaf(), grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(runner.stream_input, pb.WriteTerminalRequest.FromString)
    name = "stateroom.runner.v1.RunnerService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"StreamInput": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Room(runner, channel)
    await server.stop(0)


async def test_type_while_the_keyboard_is_given_up_returns_to_its_device(room: Room) -> None:
    """The device goes on listening: it may want control again."""
    keyboard = Keyboard(cast("Any", room), cast("Any", sentinel), 1)
    async with asyncio.TaskGroup() as group:
        carrying = group.create_task(keyboard.run())
        await keyboard.type(b"k")
        await room.runner.heard.wait()
        await asyncio.wait({carrying}, timeout=0.2)  # it hears of what it has sent a moment after the runner
        typing = group.create_task(_type_until_it_is_stuck(keyboard))
        await asyncio.wait({typing}, timeout=0.5)
        assert not typing.done()
        carrying.cancel()
    assert not typing.cancelled()


async def _type_until_it_is_stuck(keyboard: Keyboard) -> None:
    for _ in range(16):
        await keyboard.type(bytes(MORE_THAN_A_CONNECTION_HOLDS))
