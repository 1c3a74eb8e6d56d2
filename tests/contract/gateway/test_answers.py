"""What headers make of an answer: compressed, left out because it is known, or given up in time."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from stateroom.session.v1 import log_pb2, session_pb2, session_service_pb2

from tests.contract.gateway.conftest import Stack
from tests.support.fake_answers import get_session, stream_output

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/v1/sessions/a"


@pytest.fixture
def _many(stack: Stack) -> Iterator[None]:
    """Answer lists with 50 sessions."""

    async def many(_request: Any, _context: Any) -> session_service_pb2.ListSessionsResponse:
        sessions = [session_pb2.Session(session_id=str(at), columns=80) for at in range(50)]
        return session_service_pb2.ListSessionsResponse(sessions=sessions)

    stack.services.answers["ListSessions"] = many
    yield
    del stack.services.answers["ListSessions"]


@pytest.fixture
def _never(stack: Stack) -> Iterator[None]:
    """Answer nothing."""

    async def never(_request: Any, _context: Any) -> session_pb2.Session:
        await asyncio.Event().wait()
        raise AssertionError

    async def never_stream(_request: Any, _context: Any) -> AsyncIterator[log_pb2.StreamOutputResponse]:
        yield log_pb2.StreamOutputResponse(data=b"x")
        await asyncio.Event().wait()

    stack.services.answers |= {"GetSession": never, "StreamOutput": never_stream}
    yield
    stack.services.answers |= {"GetSession": get_session, "StreamOutput": stream_output}


@pytest.mark.usefixtures("_many")
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("identity", None), ("gzip;q=0", None), ("br", None)],
)
async def test_list_sessions_long_is_compressed_for_who_takes_it(
    client: httpx2.AsyncClient, accepted: str, encoding: str | None
) -> None:
    """A long answer is the same, in fewer bytes for a client that says it takes gzip."""
    response = await client.get("/v1/sessions", headers={"accept-encoding": accepted})
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "accept-encoding"
    assert [session["sessionId"] for session in response.json()["sessions"]] == [str(at) for at in range(50)]
    assert (int(response.headers["content-length"]) < 2000) == (encoding == "gzip")


async def test_get_session_short_is_never_compressed(client: httpx2.AsyncClient) -> None:
    """Below 1 KiB there is nothing to gain."""
    response = await client.get(PATH, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("known", ['"7"', 'W/"7"', '"6", "7"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_get_session_known_etag_is_304(client: httpx2.AsyncClient, method: str, known: str) -> None:
    """Who has this version gets no second copy."""
    response = await client.request(method, PATH, headers={"if-none-match": known})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"7"')


async def test_get_session_other_etag_is_200(client: httpx2.AsyncClient) -> None:
    """Who has another version gets this one."""
    response = await client.get(PATH, headers={"if-none-match": '"77"'})
    assert (response.status_code, response.json()["etag"]) == (200, '"7"')


@pytest.mark.usefixtures("_never")
@pytest.mark.parametrize("header", [{"grpc-timeout": "50m"}, {"connect-timeout-ms": "50"}])
async def test_get_session_asked_time_over_is_504(client: httpx2.AsyncClient, header: dict[str, str]) -> None:
    """A caller that gives a call some time is answered within it."""
    response = await client.get(PATH, headers=header)
    assert (response.status_code, response.json()["error"]["status"]) == (504, "DEADLINE_EXCEEDED")


@pytest.mark.usefixtures("_never")
async def test_stream_output_asked_time_over_ends_the_stream(client: httpx2.AsyncClient) -> None:
    """A stream lasts as long as its caller asked for, and says why it ended."""
    response = await client.get(f"{PATH}/output", headers={"grpc-timeout": "500m"})
    first, last = (json.loads(line) for line in response.text.splitlines())
    assert (next(iter(first)), last["error"]["status"]) == ("result", "DEADLINE_EXCEEDED")


@pytest.mark.parametrize(
    ("name", "value"), [("grpc-timeout", "1"), ("connect-timeout-ms", "1.5"), ("connect-timeout-ms", "12345678901")]
)
async def test_get_session_timeout_is_no_time_is_400(client: httpx2.AsyncClient, name: str, value: str) -> None:
    """The refusal names the header."""
    response = await client.get(PATH, headers={name: value})
    assert response.status_code == 400
    assert response.json()["error"]["details"][1]["fieldViolations"][0]["field"] == name


@pytest.mark.parametrize(
    ("length", "headers", "status", "told"),
    [(60_000, 2, 414, "url"), (70_000, 2, 414, ""), (1, 100, 404, "ROUTE_NOT_FOUND"), (1, 101, 431, "")],
)
async def test_request_far_too_large_is_refused_below_the_gateway(
    stack: Stack, length: int, headers: int, status: int, told: str
) -> None:
    """Up to what the HTTP server takes the refusal says why; beyond, it has the status alone, as docs/rest.md says."""
    host, _, port = stack.listen.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"GET /{'a' * length} HTTP/1.1", f"Host: {stack.listen}", "Connection: close"]
    lines += [f"X-{number}: 1" for number in range(headers - 2)]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert int(head.split()[1]) == status
    assert told in body.decode()
    assert bool(body) is bool(told)
