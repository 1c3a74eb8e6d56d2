"""Server streams over HTTP, as lines of JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from stateroom.session.v1 import log_pb2

from tests.contract.gateway.conftest import Stack
from tests.support.fake_answers import SessionGone, abort, stream_output
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_stream_output_ends_well_is_lines_of_results(client: httpx2.AsyncClient) -> None:
    """Each item is one line in the envelope of grpc-gateway."""
    response = await client.get("/v1/sessions/a/output")
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert lines == [{"result": {"offset": str(at), "data": "eA=="}} for at in range(3)]


async def test_stream_output_fails_later_ends_with_an_error_line(client: httpx2.AsyncClient) -> None:
    """What was streamed stays, and the last line tells why it ended."""
    response = await client.get("/v1/sessions/a/output?offset=1")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert response.status_code == 200
    assert [next(iter(line)) for line in lines] == ["result", "result", "error"]
    assert (lines[-1]["error"]["code"], lines[-1]["error"]["details"][0]["reason"]) == (404, "TEST_GONE")


async def test_stream_output_fails_at_once_has_a_status(stack: Stack, client: httpx2.AsyncClient) -> None:
    """Before the first item a failure is an ordinary answer."""

    async def fail(_request: Any, context: Any) -> AsyncIterator[log_pb2.StreamOutputResponse]:
        await abort(context, SessionGone())
        yield log_pb2.StreamOutputResponse()

    stack.services.answers["StreamOutput"] = fail
    try:
        response = await client.get("/v1/sessions/a/output")
    finally:
        stack.services.answers["StreamOutput"] = stream_output
    assert response.status_code == 404


async def test_stream_output_client_leaves_cancels_the_call(stack: Stack, client: httpx2.AsyncClient) -> None:
    """A stream that nobody reads does not go on; a silent one has its head within seconds."""
    cancelled = asyncio.Event()

    async def wait(_request: Any, _context: Any) -> AsyncIterator[log_pb2.StreamOutputResponse]:
        try:
            await asyncio.Event().wait()
            yield log_pb2.StreamOutputResponse()
        finally:
            cancelled.set()

    stack.services.answers["StreamOutput"] = wait
    try:
        async with client.stream("GET", "/v1/sessions/a/output") as response:
            assert response.status_code == 200
            assert not cancelled.is_set()
        async with asyncio.timeout(PATIENCE):
            await cancelled.wait()
    finally:
        stack.services.answers["StreamOutput"] = stream_output
