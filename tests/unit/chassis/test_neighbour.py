"""Calls to another service that take a stream, or lose their channel."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis import ids
from chassis.errors import DomainError, EtagMismatch, ServiceUnavailable
from chassis.rpc.call import Call, Principal
from chassis.rpc.channels import BearerToken, Neighbour, open_channel
from chassis.rpc.server import Server
from chassis.rpc.token_cache import CACHE_SECONDS
from tests.support.probe import NAME, Request, Response, service
from tests.support.waiting import PATIENCE

SENT = Request(session_id=str(ids.new()))
MANY = 500


class Refusing:
    """Refuses a stream after its first message, and answers everything else never."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def authenticate(self, _call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:
        """Return somebody who may do everything."""
        return Principal("user", ids.new(), 4, frozenset({"*"}), str(max_age))

    async def Collect(self, requests: AsyncIterator[Request], _call: Call) -> Response:
        """Refuse."""
        await anext(requests)
        raise EtagMismatch('"1"')

    async def Single(self, _request: Request, _call: Call) -> Response:
        """Wait for ever."""
        self.begun.set()
        await asyncio.Event().wait()
        return Response()

    Stream = Converse = Single


@pytest.fixture
async def refusing() -> AsyncIterator[tuple[Refusing, Neighbour]]:
    """Serve it, and return the way to it."""
    probe = Refusing()
    server = Server(probe)
    server.add(service(), probe)
    channel = open_channel(await server.start("127.0.0.1:0"))
    yield probe, Neighbour("probe", channel, BearerToken("t"))
    await channel.close(None)
    await server.stop(grace=0)


async def _many(count: int, error: Exception | None = None) -> AsyncIterator[Request]:
    for _ in range(count):
        yield SENT
    if error is not None:
        raise error


async def test_send_that_is_refused_early_always_tells_why(refusing: tuple[Refusing, Neighbour]) -> None:
    """A refusal that overtakes what is still sent would be lost; the server takes the rest first."""
    _, peer = refusing
    method = peer.channel.stream_unary(f"/{NAME}/Collect", Request.SerializeToString, Response.FromString)
    for _ in range(5):
        with pytest.raises(DomainError) as refused:
            await peer.send(method, _many(MANY), timeout=PATIENCE)
        assert refused.value.reason == "ETAG_MISMATCH"


async def test_send_of_a_stream_that_fails_raises_its_own_error(refusing: tuple[Refusing, Neighbour]) -> None:
    """What is wrong with the third message is no fault of the neighbour."""
    _, peer = refusing
    method = peer.channel.stream_unary(f"/{NAME}/Stream", Request.SerializeToString, Response.FromString)
    with pytest.raises(KeyError):
        await peer.send(method, _many(0, KeyError()), timeout=PATIENCE)


@pytest.mark.parametrize("closed", [True, False])
async def test_call_whose_channel_is_closed_is_not_cancelled(
    refusing: tuple[Refusing, Neighbour],
    closed: bool,  # noqa: FBT001  # a case
) -> None:
    """GRPC says of both that the call was cancelled; only who cancels the caller means the caller."""
    probe, peer = refusing
    method = peer.channel.unary_unary(f"/{NAME}/Single", Request.SerializeToString, Response.FromString)
    async with asyncio.TaskGroup() as group:

        async def caller() -> type[BaseException]:
            try:
                await peer.call(method, SENT, timeout=PATIENCE)
            except (ServiceUnavailable, asyncio.CancelledError) as error:
                return type(error)
            return AssertionError

        calling = group.create_task(caller())
        await probe.begun.wait()
        if closed:
            await peer.channel.close(None)
        else:
            calling.cancel()
    assert calling.result() is (ServiceUnavailable if closed else asyncio.CancelledError)
