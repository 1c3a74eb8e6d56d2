"""The server around all four kinds of handlers: the chain, errors, validation, cancellation, and open streams."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from stateroom.api.v1 import policy_pb2

from chassis import ids
from chassis.errors import CredentialInvalid, CredentialMissing, EtagMismatch, LimitExceeded, ServiceUnavailable
from chassis.rpc import chain, status
from chassis.rpc.call import Call, Principal
from chassis.rpc.rates import Rate, Rates
from chassis.rpc.server import Server
from chassis.rpc.token_cache import CACHE_SECONDS
from tests.support.probe import KINDS, Request, Response, Stub, service

GOOD = str(ids.new())
CHANGED, BROKEN, WAITING = (str(ids.new()) for _ in range(3))
STALE = '"1"'
READER = Principal("user", ids.new(), policy_pb2.VIEWER, frozenset({"sessions.read"}))


class Authenticator:
    """Knows one reader, until its credential is revoked."""

    def __init__(self) -> None:
        self.principal = READER
        self.revoked = False
        self.unreachable = 0
        """Checks of an open stream that nobody answers."""

    async def authenticate(self, call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:
        """Return the reader."""
        if not call.metadata.get("authorization"):
            raise CredentialMissing
        if self.unreachable and max_age < CACHE_SECONDS:
            self.unreachable -= 1
            raise ServiceUnavailable(service="workspace")
        if self.revoked:
            raise CredentialInvalid
        return self.principal


class Probe:
    """Answers each request with its own id; some ids mean trouble."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.go_on = asyncio.Event()
        self.calls: list[Call] = []

    async def answer(self, request: Request, call: Call) -> Response:
        """Return the response to one request."""
        self.calls.append(call)
        if request.session_id == CHANGED:
            raise EtagMismatch(STALE)
        if request.session_id == BROKEN:
            msg = "canary: /etc/secret"
            raise RuntimeError(msg)
        if request.session_id == WAITING:
            self.waiting.set()
            try:
                await self.go_on.wait()
            finally:
                self.cancelled.set()
        return Response(session_id=request.session_id)

    async def Single(self, request: Request, call: Call) -> Response:
        """One request, one response."""
        return await self.answer(request, call)

    async def Stream(self, request: Request, call: Call) -> AsyncIterator[Response]:
        """One request, two responses."""
        yield await self.answer(request, call)
        yield await self.answer(request, call)

    async def Collect(self, requests: AsyncIterator[Request], call: Call) -> Response:
        """Many requests, the last one's response."""
        return [await self.answer(request, call) async for request in requests][-1]

    async def Converse(self, requests: AsyncIterator[Request], call: Call) -> AsyncIterator[Response]:
        """A response to each request."""
        async for request in requests:
            yield await self.answer(request, call)


class Served:
    """A probe behind a real server, and a stub for it."""

    def __init__(self) -> None:
        self.authenticator = Authenticator()
        self.probe = Probe()
        self.server = Server(self.authenticator, recheck_seconds=0.05)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Serve a probe."""
    made = Served()
    made.server.add(service(), made.probe)
    yield made
    await made.server.stop(grace=0)


@pytest.fixture
async def stub(served: Served) -> AsyncIterator[Stub]:
    """Return a stub for the probe."""
    async with grpc.aio.insecure_channel(await served.server.start("127.0.0.1:0")) as channel:
        yield Stub(channel)


@pytest.fixture
async def limited() -> AsyncIterator[Stub]:
    """Return a stub for a probe that answers one call."""
    server = Server(Authenticator(), rates=Rates({policy_pb2.READ: Rate.parse("1/h")}))
    server.add(service(), Probe())
    async with grpc.aio.insecure_channel(await server.start("127.0.0.1:0")) as channel:
        yield Stub(channel)
    await server.stop(grace=0)


def _reason(exc: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    trailing: dict[str, Any] = dict(exc.trailing_metadata())  # type: ignore[arg-type]  # pairs; the stub has no iterator
    packed = trailing[status.DETAILS_KEY]
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(packed).details[0].Unpack(info)
    return info


async def _refused(stub: Stub, name: str, *requests: Request) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.call(name, *requests)
    return caught.value.code().name, _reason(caught.value).reason, caught.value.details() or ""


def test_chain_has_its_steps_in_order() -> None:
    """Errors are mapped inside what logs them, and nothing of a request is looked at before its caller is known."""
    assert [step.__name__ for step in chain.CHAIN] == ["correlation", "tracing", "outcome", "errors", "authentication"]


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_reaches_its_handler_as_the_caller(served: Served, stub: Stub, name: str) -> None:
    """The handler gets the request, and who made it."""
    answers = await stub.call(name, Request(session_id=GOOD))
    assert {answer.session_id for answer in answers} == {GOOD}
    assert served.probe.calls[0].principal == READER
    assert served.probe.calls[0].correlation_id


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_that_raises_a_domain_error_ends_with_its_status(stub: Stub, name: str) -> None:
    """The one mapper works for every kind of handler."""
    code, reason, message = await _refused(stub, name, Request(session_id=CHANGED))
    assert (code, reason) == ("ABORTED", "ETAG_MISMATCH")
    assert STALE in message


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_that_breaks_shows_an_error_id_only(stub: Stub, name: str) -> None:
    """What went wrong inside is for the log."""
    code, reason, message = await _refused(stub, name, Request(session_id=BROKEN))
    assert (code, reason) == ("INTERNAL", "INTERNAL_ERROR")
    assert "canary" not in message


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_with_a_bad_request_never_reaches_the_handler(
    served: Served, stub: Stub, name: str
) -> None:
    """The rules of the contract are checked before."""
    code, reason, message = await _refused(stub, name, Request(session_id="x"))
    assert (code, reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert message.startswith("session_id: ")
    assert served.probe.calls == []


@pytest.mark.parametrize("name", ["Collect", "Converse"])
async def test_stream_with_a_bad_second_message_ends_there(served: Served, stub: Stub, name: str) -> None:
    """Each message of a stream is checked, not only the first."""
    code, reason, _ = await _refused(stub, name, Request(session_id=GOOD), Request(session_id="x"))
    assert (code, reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert len(served.probe.calls) == 1


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_without_the_scope_is_refused_before_validation(
    served: Served, stub: Stub, name: str
) -> None:
    """Who may not call learns nothing about what a good request looks like."""
    served.authenticator.principal = Principal("user", ids.new(), policy_pb2.OWNER, frozenset({"workspaces.read"}))
    code, reason, _ = await _refused(stub, name, Request(session_id="x"))
    assert (code, reason) == ("PERMISSION_DENIED", "SCOPE_MISSING")


@pytest.mark.parametrize("name", KINDS)
async def test_call_of_each_kind_that_its_client_cancels_cancels_the_handler(
    served: Served, stub: Stub, name: str
) -> None:
    """A handler never goes on for nobody."""
    request = Request(session_id=WAITING)
    call = stub.open(name, iter([request]) if KINDS[name][0] else request)
    async with asyncio.TaskGroup() as group:
        group.create_task(_outcome(call))
        await served.probe.waiting.wait()
        call.cancel()
        await served.probe.cancelled.wait()
    assert call.cancelled()


@pytest.mark.parametrize("name", ["Stream", "Converse"])
async def test_open_stream_whose_credential_is_revoked_is_ended(served: Served, stub: Stub, name: str) -> None:
    """Revocation works on what is already open, and a check that nobody answers is made again."""
    request = Request(session_id=WAITING)
    call = stub.open(name, iter([request]) if KINDS[name][0] else request)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(_ended(call))
        await served.probe.waiting.wait()
        served.authenticator.unreachable = 2
        served.authenticator.revoked = True
    assert ended.result() == ("UNAUTHENTICATED", "CREDENTIAL_INVALID")
    assert served.probe.cancelled.is_set()


@pytest.mark.parametrize("name", ["Stream", "Converse"])
async def test_drain_with_a_stream_open_tells_it_to_come_back(served: Served, stub: Stub, name: str) -> None:
    """A client learns at once, and why, that it should open its stream again; so does who opens one now."""
    request = Request(session_id=WAITING)
    call = stub.open(name, iter([request]) if KINDS[name][0] else request)
    async with asyncio.TaskGroup() as group:
        ended = group.create_task(_ended(call))
        await served.probe.waiting.wait()
        await served.server.drain(0)
    assert ended.result() == ("UNAVAILABLE", "SHUTTING_DOWN")
    code, reason, _ = await _refused(stub, name, Request(session_id=GOOD))
    assert (code, reason) == ("UNAVAILABLE", "SHUTTING_DOWN")


async def test_stop_with_a_call_open_waits_for_its_answer(served: Served, stub: Stub) -> None:
    """What was begun before the server is told to stop is answered."""
    async with asyncio.TaskGroup() as group:
        call = group.create_task(stub.call("Single", Request(session_id=WAITING)))
        await served.probe.waiting.wait()
        await served.server.drain(0)
        stopping = group.create_task(served.server.stop(grace=20))
        served.probe.go_on.set()
    assert [answer.session_id for answer in call.result()] == [WAITING]
    assert stopping.done()


@pytest.mark.parametrize("name", ["Single", "Collect"])
async def test_stop_with_a_call_that_takes_too_long_says_why_it_ends(served: Served, stub: Stub, name: str) -> None:
    """After the grace a call is cancelled, and its caller learns that the server stops, not that something broke."""
    async with asyncio.TaskGroup() as group:
        call = group.create_task(_refused(stub, name, Request(session_id=WAITING)))
        await served.probe.waiting.wait()
        group.create_task(served.server.stop(grace=0))
    assert call.result()[:2] == ("UNAVAILABLE", "SHUTTING_DOWN")
    assert served.probe.cancelled.is_set()


async def test_call_beyond_the_rate_is_refused_and_told_when_to_call_again(limited: Stub) -> None:
    """The caller learns the limit, whose it is and how long to wait, before the request is looked at."""
    await limited.call("Single", Request(session_id=GOOD))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await limited.call("Single", Request(session_id="x"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info = _reason(caught.value)
    assert info.reason == "RATE_LIMITED"
    assert dict(info.metadata) == {"limit": "READ 1/h", "caller": "credential", "seconds": "3600"}
    with pytest.raises(LimitExceeded) as relayed:
        status.raise_relayed(caught.value, service="probe")
    assert relayed.value.retry_after == timedelta(hours=1)


@pytest.mark.parametrize("name", ["Collect", "Converse"])
async def test_messages_of_an_open_stream_are_not_counted(limited: Stub, name: str) -> None:
    """Keys that are typed into a stream cost nothing: the call was counted when it opened."""
    assert await limited.call(name, *(Request(session_id=GOOD) for _ in range(5)))


async def _outcome(call: Any) -> None:  # four kinds of calls
    if hasattr(call, "read"):
        await call.read()  # begins the call
    await call.code()


async def _ended(call: grpc.aio.UnaryStreamCall[Request, Response]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    return caught.value.code().name, _reason(caught.value).reason


@pytest.mark.parametrize("name", ["Collect", "Converse"])
async def test_stream_refused_at_once_hears_its_first_message_before(stub: Stub, name: str) -> None:
    """So the client can write it, and gets the reason instead of a failure to write."""
    speaking = asyncio.Event()

    async def requests() -> AsyncIterator[Request]:
        await speaking.wait()
        yield Request(session_id=GOOD)

    call = stub.open(name, requests(), authorization="")
    async with asyncio.TaskGroup() as group:
        code = group.create_task(call.code())
        await asyncio.wait({code}, timeout=0.2)
        assert not code.done()
        speaking.set()
        assert await code is grpc.StatusCode.UNAUTHENTICATED
