"""The access log of a gateway process: a line for each request when it has ended, and no credential in any."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from websockets.asyncio.client import connect

from chassis import ids
from chassis.rpc import credential
from tests.contract.gateway.conftest import Stack
from tests.support.gateway_process import LOG, running_gateway
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

Line = dict[str, Any]


def _lines(log: Path, correlation_id: str = "") -> list[Line]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line.get("action") == "access" and correlation_id in line["correlation_id"]]


async def _line(stack: Stack, correlation_id: str) -> Line:
    """Wait for the one line of a request."""

    async def written() -> bool:
        return bool(_lines(stack.log, correlation_id))

    await until(written)
    (line,) = _lines(stack.log, correlation_id)
    return line


async def test_access_log_of_a_call_says_who_called_what_and_what_came_of_it(stack: Stack) -> None:
    """Its fields are those of the other logs; what was asked for in the query is not among them."""
    trace_id, account = ids.new().hex, str(ids.new())
    headers = {
        "user-agent": "a browser",
        "stateroom-account": account,
        "traceparent": f"00-{trace_id}-{'1' * 16}-01",
    }
    async with stack.client() as client:
        response = await client.get("/v1/sessions/a?pretty", headers=headers)
    line = await _line(stack, response.headers["x-request-id"])
    assert line.pop("milliseconds") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request ended",
        "level": "info",
        "process": "gateway",
        "action": "access",
        "method": "GET",
        "path": "/v1/sessions/a",
        "rpc": "stateroom.session.v1.SessionService/GetSession",
        "status": 200,
        "bytes_sent": len(response.content),
        "correlation_id": response.headers["x-request-id"],
        "trace_id": trace_id,
        "client_address": "127.0.0.1",
        "user_agent": "a browser",
        "credential_id": str(credential.parse(stack.credential).credential_id),
        "account": account,
    }


async def test_access_log_of_a_stream_counts_all_that_was_sent(stack: Stack) -> None:
    """The line stands for the whole answer, not for its head."""
    async with stack.client() as client:
        response = await client.get("/v1/sessions/a/output")
    line = await _line(stack, response.headers["x-request-id"])
    assert (line["status"], line["bytes_sent"]) == (200, len(response.content))
    assert line["rpc"].endswith("/StreamOutput")


async def test_access_log_of_a_websocket_is_written_when_it_has_closed(stack: Stack) -> None:
    """While it is open there is no line; then one with all bytes that went to the device."""
    correlation_id = str(ids.new())
    headers = {"x-request-id": correlation_id, "authorization": f"Bearer {stack.credential}"}
    async with connect(f"ws://{stack.listen}/v1/sessions/a:attach", additional_headers=headers) as socket:
        attached = await socket.recv()
        await socket.send(b"abc")
        assert await socket.recv() == b"abc"
        async with stack.client() as client:  # its line comes after any that was there before
            await _line(stack, (await client.get("/v1/sessions/a")).headers["x-request-id"])
        assert _lines(stack.log, correlation_id) == []
    line = await _line(stack, correlation_id)
    assert (line["status"], line["bytes_sent"]) == (101, len(attached) + len(b"abc"))


async def test_access_log_of_refused_requests_holds_no_credential(stack: Stack) -> None:
    """Wherever a credential stands, and even percent-encoded, the log has the status and no secret."""
    key = stack.credential
    secret = key.split("_")[2]
    encoded = quote(key.replace("_", "%5F"), safe="%")
    asked: list[tuple[str, dict[str, str]]] = [
        (f"/v1/sessions/{key}", {}),
        (f"/v1/sessions/{encoded}", {"authorization": "Basic none"}),
        (f"/v1/sessions?access_token={key}", {}),
        ("/v1/sessions/a", {"user-agent": key, "authorization": f"Basic {key}"}),
        ("/v1/sessions/a", {"authorization": f"Bearer {key}x"}),
    ]
    async with httpx2.AsyncClient(base_url=f"http://{stack.listen}") as client:
        answers = [await client.get(path, headers=headers) for path, headers in asked]
    lines = [await _line(stack, answer.headers["x-request-id"]) for answer in answers]
    assert [line["status"] for line in lines] == [400, 401, 400, 401, 401]
    assert [line["path"] for line in lines] == ["", "", "/v1/sessions", "/v1/sessions/a", "/v1/sessions/a"]
    assert {line["credential_id"] for line in lines} == {""}
    assert secret not in stack.log.read_text()


@pytest.mark.parametrize(("setting", "lines"), [({}, 1), ({"ACCESS_LOG": "false"}, 0), ({"LOG_LEVEL": "WARNING"}, 0)])
async def test_access_log_at_the_end_of_the_process_is_whole_or_was_not_wanted(
    tmp_path: Path, setting: dict[str, str], lines: int
) -> None:
    """A line that waits for others is written when the gateway stops; none is when the settings say so."""
    correlation_id = str(ids.new())
    async with (
        running_gateway(tmp_path, "127.0.0.1:1", **setting) as (listen, process),
        httpx2.AsyncClient(base_url=f"http://{listen}") as client,
    ):
        await client.get("/healthz", headers={"x-request-id": correlation_id})
        process.terminate()
        assert await process.wait() == 0
    assert len(_lines(tmp_path / LOG, correlation_id)) == lines
