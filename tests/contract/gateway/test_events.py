"""Server streams as server-sent events, which a browser resumes by itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from stateroom.session.v1 import log_pb2

from tests.contract.gateway.conftest import Stack
from tests.support.fake_answers import stream_output

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/v1/sessions/a/output"
EVENTS = {"accept": "text/event-stream"}


def _events(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def test_stream_output_as_events_names_where_to_go_on(client: httpx2.AsyncClient) -> None:
    """Each item has the position after its bytes as its id, and the end is an event of its own."""
    response = await client.get(PATH, headers=EVENTS)
    assert response.headers["content-type"] == "text/event-stream"
    *items, end = _events(response.text)
    assert [item["id"] for item in items] == ["1", "2", "3"]
    assert [json.loads(item["data"]) for item in items] == [{"offset": str(at), "data": "eA=="} for at in range(3)]
    assert end == {"event": "end", "data": "{}"}


async def test_stream_output_fails_later_ends_with_an_error_event(client: httpx2.AsyncClient) -> None:
    """The last event tells why the stream ended, as an error body does."""
    response = await client.get(f"{PATH}?offset=1", headers=EVENTS)
    *items, last = _events(response.text)
    assert (response.status_code, len(items), last["event"]) == (200, 2, "error")
    assert json.loads(last["data"])["error"]["details"][0]["reason"] == "TEST_GONE"


@pytest.mark.parametrize("query", ["", "?offset=1"])
async def test_stream_output_last_event_id_wins_over_the_url(
    stack: Stack, client: httpx2.AsyncClient, query: str
) -> None:
    """A browser repeats the URL it was given, whose offset is where it began."""
    await client.get(PATH + query, headers={**EVENTS, "last-event-id": "7000000000"})
    asked = stack.services.requests[-1]
    assert isinstance(asked, log_pb2.StreamOutputRequest)
    assert asked.offset == 7_000_000_000


async def test_stream_output_last_event_id_of_another_stream_is_400(client: httpx2.AsyncClient) -> None:
    """An id that we never gave is refused by its name."""
    response = await client.get(PATH, headers={**EVENTS, "last-event-id": "x1"})
    assert response.status_code == 400
    assert response.json()["error"]["details"][1]["fieldViolations"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/x-ndjson"),
        ("application/json", "application/x-ndjson"),
        ("text/event-stream;q=0", "application/x-ndjson"),
        ("application/x-ndjson, text/event-stream;q=0.5", "application/x-ndjson"),
        ("application/x-ndjson;q=0.1, Text/Event-Stream", "text/event-stream"),
    ],
)
async def test_stream_output_accept_header_chooses_the_form(
    client: httpx2.AsyncClient, accept: str, content_type: str
) -> None:
    """Lines are the default; events are for who prefers them."""
    response = await client.get(PATH, headers={"accept": accept})
    assert response.headers["content-type"] == content_type


async def test_stream_output_silent_shows_that_it_is_alive(stack: Stack, client: httpx2.AsyncClient) -> None:
    """Comments keep proxies from closing a stream on which nothing happens, and are no events."""
    go_on = asyncio.Event()

    async def wait(_request: Any, _context: Any) -> AsyncIterator[log_pb2.StreamOutputResponse]:
        await go_on.wait()
        yield log_pb2.StreamOutputResponse(offset=5, data=b"abc")

    stack.services.answers["StreamOutput"] = wait
    text = ""
    try:
        async with client.stream("GET", PATH, headers=EVENTS) as response:
            async for piece in response.aiter_text():
                text += piece
                if text.count(":\n\n") >= 2:
                    go_on.set()
    finally:
        stack.services.answers["StreamOutput"] = stream_output
    assert [event.get("id") for event in _events(text)] == ["8", None]
