"""Channels to more than one server, and to a server that has its clients connect anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc

from chassis import ids
from chassis.rpc.call import Call, Principal
from chassis.rpc.channels import open_channel
from chassis.rpc.server import Server, aging
from chassis.rpc.token_cache import CACHE_SECONDS
from tests.support.probe import Request, Response, Stub, service
from tests.support.waiting import PATIENCE

SENT = Request(session_id=str(ids.new()))


class Probe:
    """Lets everybody in, counts, and answers each request with its id."""

    def __init__(self) -> None:
        self.calls = 0

    async def authenticate(self, _call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:
        """Return somebody who may do everything."""
        return Principal("user", ids.new(), 4, frozenset({"*"}), str(max_age))

    async def Single(self, request: Request, _call: Call) -> Response:
        """Answer."""
        self.calls += 1
        return Response(session_id=request.session_id)

    async def Converse(self, requests: AsyncIterator[Request], _call: Call) -> AsyncIterator[Response]:
        """Answer each."""
        async for request in requests:
            yield Response(session_id=request.session_id)

    Stream = Collect = Single


@asynccontextmanager
async def _served(probe: Probe, age: float = 0, grace: float = 0) -> AsyncIterator[str]:
    server = Server(probe, options=aging(age, grace))
    server.add(service(), probe)
    yield await server.start("127.0.0.1:0")
    await server.stop(grace=0)


@asynccontextmanager
async def _counted(address: str, connections: list[str]) -> AsyncIterator[str]:
    """Pass connections on to an address, and note each."""
    host, _, port = address.rpartition(":")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(address)
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


async def test_channel_to_several_addresses_calls_each_in_turn() -> None:
    """No replica does all the work of a client that stays connected."""
    one, other = Probe(), Probe()
    async with (
        _served(one) as first,
        _served(other) as second,
        open_channel(f"ipv4:{first},{second}") as channel,
        asyncio.timeout(PATIENCE),
    ):
        while not (one.calls and other.calls):  # one that is not connected yet is left out
            await Stub(channel).call("Single", SENT)


async def test_channel_to_a_name_finds_its_addresses() -> None:
    """A name is asked for; the port is that of the process behind it."""
    probe = Probe()
    async with _served(probe) as address:
        target = f"dns:///localhost:{address.rpartition(':')[2]}"
        async with open_channel(target) as channel, asyncio.timeout(PATIENCE):
            (answer,) = await Stub(channel).call("Single", SENT)
    assert (answer.session_id, probe.calls) == (SENT.session_id, 1)


async def test_connection_that_is_old_is_replaced_and_its_streams_go_on() -> None:
    """Calls move to a new connection, where a replica that came meanwhile may be; a stream loses nothing."""
    connections: list[str] = []
    async with (
        _served(Probe(), age=0.2) as address,
        _counted(address, connections) as counted,
        open_channel(counted) as channel,
        asyncio.timeout(PATIENCE),
    ):
        stub = Stub(channel)
        stream = stub.open("Converse", None)
        while len(connections) < 4:
            await stream.write(SENT)
            assert (await stream.read()).session_id == SENT.session_id
            await stub.call("Single", SENT)
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK


def test_aging_without_an_age_asks_for_nothing() -> None:
    """On one machine nobody has to find replicas."""
    assert aging(0, 30) == []
    assert aging(300, 0) == [("grpc.max_connection_age_ms", 300_000)]
    assert aging(300, 30)[1] == ("grpc.max_connection_age_grace_ms", 30_000)
