"""HTTP to a server in a room: what streams, what breaks off, and what nobody may smuggle through."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest

from cli.client import Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import Visitor, bearer, visiting
from tests.support.waiting import PATIENCE


@pytest.fixture
async def visitor(embedded_stack: EmbeddedStack, preview: Json) -> AsyncIterator[Visitor]:
    """A program that may see the preview."""
    async with visiting(embedded_stack.api, preview, **bearer(embedded_stack.api)) as visitor:
        yield visitor


async def test_answer_that_streams_arrives_part_by_part(visitor: Visitor) -> None:
    """Each part is there before the next is made; so is the head before any."""
    async with visitor.stream("GET", "/stream") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        parts = answer.aiter_bytes()
        received = []
        for _ in range(3):
            await visitor.get("/turn")
            received.append(await anext(parts))
        assert [part async for part in parts] == []
    assert received == [b"0\n", b"1\n", b"2\n"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_upload_arrives_whole(visitor: Visitor, *, chunked: bool) -> None:
    """Twelve megabytes, announced or in chunks, are the same there as here."""
    content = os.urandom(12 << 20)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    answer = await visitor.ask("POST", "/upload", content=parts() if chunked else content)
    assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
    headers = dict(answer.json()["headers"])
    assert ("transfer-encoding" in headers, "content-length" in headers) == (chunked, not chunked)


async def test_large_answer_to_a_slow_client_is_held_back(embedded_stack: EmbeddedStack, visitor: Visitor) -> None:
    """A client that does not read makes the server wait, and nobody in between keep the answer."""
    pids = [embedded_stack.endpoint.pids[name] for name in ("gateway", "session")]
    await visitor.get("/")
    before = [_resident(pid) for pid in pids]
    where = urlsplit(visitor.gateway)
    reader, writer = await asyncio.open_connection(where.hostname, where.port, limit=1 << 14)
    writer.write(_head(visitor, "GET", "/large") + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(5):  # other requests go on, and give everything time to fill up
        await visitor.get("/")
    grown = [_resident(pid) - then for pid, then in zip(pids, before, strict=True)]
    writer.close()
    assert max(grown) < 24 << 20, grown


async def test_head_and_unchanged_pages_have_no_body(visitor: Visitor) -> None:
    """HEAD has the length and no bytes; 304 leaves the client with what it has."""
    head = await visitor.ask("HEAD", "/")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")
    known = await visitor.get("/cached", headers={"If-None-Match": '"one"'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"one"')
    assert (await visitor.get("/cached")).content == b"whole"


async def test_redirects_and_refusals_of_the_server_are_its_own(visitor: Visitor) -> None:
    """A redirect leads back to the preview's origin; statuses and bodies pass as they are."""
    moved = await visitor.get("/moved")
    assert (moved.status_code, moved.headers["location"]) == (302, f"http://{visitor.host}/headers")
    assert (await visitor.get("/missing")).status_code == 404


async def test_cookies_of_the_server_stay_at_its_origin(visitor: Visitor) -> None:
    """No server sets cookies for other previews, nor our own; headers of one connection end with it."""
    answer = await visitor.get("/cookies")
    assert answer.headers.get_list("set-cookie") == ["wide=1; Path=/", "own=2; Path=/"]
    assert "alt-svc" not in answer.headers
    sent = {"Connection": "x-private", "X-Private": "1", "X-Forwarded-For": "9.9.9.9", "Forwarded": "for=9.9.9.9"}
    headers = dict((await visitor.get("/headers", headers=sent)).json()["headers"])
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert {"x-private", "forwarded", "stateroom-account"}.isdisjoint(headers)


@pytest.mark.parametrize("path", ["/dies", "/dies/chunked"])
async def test_server_that_dies_in_its_answer_leaves_it_visibly_cut(visitor: Visitor, path: str) -> None:
    """Half an answer never looks like a whole one."""
    with pytest.raises(httpx2.RemoteProtocolError):
        await visitor.get(path)


@pytest.mark.parametrize("path", ["/nonsense", "/silent"])
async def test_server_that_speaks_no_http_is_a_bad_gateway(visitor: Visitor, path: str) -> None:
    """502 with one sentence: a page for browsers, JSON for programs."""
    answer = await visitor.get(path)
    assert answer.status_code == 502
    assert answer.json()["error"]["details"][0]["reason"] == "PREVIEW_ANSWER_INVALID"
    page = await visitor.get(path, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "gave no proper answer" in page.text


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"3\r\nabc\r\n0\r\n\r\nGET /turn HTTP/1.1\r\n\r\n",
            b"200",
        ),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd", b"400"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n", b"400"),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n", b"400"),
        (b"Content-Length : 3\r\n", b"abc", b"400"),
        (b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n", b"400"),
    ],
)
async def test_requests_with_two_ends_reach_the_server_with_one(
    visitor: Visitor, framing: bytes, body: bytes, status: bytes
) -> None:
    """What two readers could understand differently is refused, or written anew; the connection ends either way."""
    where = urlsplit(visitor.gateway)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(_head(visitor, "POST", "/upload") + framing + b"\r\n" + body)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    assert answer[9:12] == status, answer
    assert answer.count(b"HTTP/1.1 ") == 1
    if status == b"200":
        assert b'"size": 3' in answer
        assert b"content-length" not in answer.partition(b"headers")[2]


async def test_headers_without_bound_are_refused(visitor: Visitor) -> None:
    """Request heads have a limit of their own, as at the API."""
    assert (await visitor.get("/", headers={"X-Long": "x" * 40_000})).status_code == 431
    assert (await visitor.get("/" + "x" * 9_000)).status_code == 414
    assert (await visitor.ask("TRACE", "/")).status_code == 405


def _head(visitor: Visitor, method: str, path: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {visitor.host}", *(f"{k}: {v}" for k, v in visitor.headers.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123  # no file to speak of
        return int(file.read().split()[1]) * 4096
