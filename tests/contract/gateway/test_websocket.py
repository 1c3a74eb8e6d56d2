"""Bidirectional methods over WebSocket."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stateroom.api.v1 import policy_pb2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chassis import ids
from chassis.rpc import credential
from tests.contract.gateway.conftest import Stack
from tests.support.fake_answers import SessionGone, abort, attach_session
from tests.support.tokens import USER, Keys
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/v1/sessions/abc:attach?offset=5"


def _connect(stack: Stack, path: str = PATH, **options: Any) -> connect:
    headers = {"authorization": f"Bearer {stack.credential}"} | options.pop("headers", {})
    return connect(f"ws://{stack.listen}{path}", additional_headers=headers, **options)


async def _ending(socket: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Read to the end; returns the text frames and the close code."""
    frames = []
    try:
        while True:
            frames.append(json.loads(await socket.recv()))
    except ConnectionClosed as exc:
        return frames, exc.rcvd.code if exc.rcvd else 0


async def test_attach_session_echoes_bytes_and_json(stack: Stack) -> None:
    """The first message is bound from path and query; bytes stay bytes, everything else is JSON."""
    async with _connect(stack, subprotocols=["stateroom.v1"]) as socket:
        assert socket.subprotocol == "stateroom.v1"
        assert json.loads(await socket.recv())["attached"]["offset"] == "5"
        await socket.send(b"\x00\xff")
        assert await socket.recv() == b"\x00\xff"
        await socket.send(json.dumps({"resize": {"columns": 90, "rows": 30}}))
        assert json.loads(await socket.recv())["resized"]["columns"] == 90
        await socket.send(json.dumps({"ack": {"offset": "1"}}))
        assert await _ending(socket) == ([], 1000)


async def test_attach_session_credential_as_subprotocol_is_not_echoed(stack: Stack) -> None:
    """A browser offers its credential beside the subprotocol."""
    offered = ["stateroom.v1", f"bearer.{stack.credential}"]
    async with _connect(stack, subprotocols=offered, headers={"authorization": ""}) as socket:
        assert socket.subprotocol == "stateroom.v1"
        assert "attached" in json.loads(await socket.recv())


async def test_attach_session_with_a_ticket_passes_it_on_and_asks_for_no_credential(stack: Stack) -> None:
    """It reaches the service as metadata, beside a token of the gateway's own, and is no part of the message."""
    seen: list[dict[str, str]] = []

    async def attach(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        seen.append(dict(context.invocation_metadata()))
        async for answer in attach_session(requests, context):
            yield answer

    stack.services.answers["AttachSession"] = attach
    try:
        path = "/v1/sessions/abc:attach?ticket=srt_a_b_c&offset=5"
        async with _connect(stack, path, headers={"authorization": ""}) as socket:
            assert json.loads(await socket.recv())["attached"]["offset"] == "5"
    finally:
        stack.services.answers["AttachSession"] = attach_session
    assert seen[0]["stateroom-ticket"] == "srt_a_b_c"
    assert seen[0]["authorization"].startswith("Bearer eyJ")


@pytest.mark.parametrize("query", ["ticket=srk_a_b_c", "offset=srt_a_b_c"])
async def test_attach_session_with_what_is_no_ticket_in_the_url_is_refused(stack: Stack, query: str) -> None:
    """Only a ticket, under its own name, may stand where others can read it."""
    with pytest.raises(InvalidStatus) as refused:
        await _connect(stack, f"/v1/sessions/abc:attach?{query}")
    assert b"CREDENTIAL_IN_URL" in (refused.value.response.body or b"")


@pytest.mark.parametrize("code", [400, 403, 404, 409, 429])
async def test_attach_session_service_fails_closes_with_its_code(stack: Stack, code: int) -> None:
    """The last text frame tells why, the close code what to do."""
    async with _connect(stack) as socket:
        await socket.recv()
        await socket.send(json.dumps({"ack": {"offset": str(code)}}))
        frames, close_code = await _ending(socket)
    assert (frames[-1]["error"]["code"], close_code) == (code, 4000 + code)


async def _refuse(_requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
    await abort(context, SessionGone())
    yield


async def _end(_requests: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    return
    yield


@pytest.mark.parametrize(("attach", "code"), [(_refuse, 4404), (_end, 1000)])
async def test_attach_session_that_ends_while_the_client_types_says_how(stack: Stack, attach: Any, code: int) -> None:
    """What is typed after the end goes nowhere and is no fault; at worst gRPC lost the end: come back."""
    stack.services.answers["AttachSession"] = attach
    ends = []
    try:
        for _ in range(20):
            async with _connect(stack) as socket:
                with suppress(ConnectionClosed):
                    for _ in range(100):
                        await socket.send(b"typed")
                ends.append((await _ending(socket))[1])
    finally:
        stack.services.answers["AttachSession"] = attach_session
    assert set(ends) <= {code, 1012}


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("{", "INVALID_JSON"),
        ('{"nope":1}', "UNKNOWN_FIELD"),
        ('{"ack":{"offset":true}}', "INVALID_TYPE"),
        ("[" * 1000, "JSON_TOO_DEEP"),
    ],
)
async def test_attach_session_bad_frame_closes_4400(stack: Stack, frame: str, reason: str) -> None:
    """A frame is checked as a body is."""
    async with _connect(stack) as socket:
        await socket.recv()
        await socket.send(frame)
        frames, code = await _ending(socket)
    assert (frames[-1]["error"]["details"][0]["reason"], code) == (reason, 4400)


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (PATH, {"authorization": ""}, 4401),
        (PATH, {"authorization": "Bearer srk_a_b_c"}, 4401),
        ("/v1/sessions/abc:attach?offset=x", {}, 4400),
        ("/v1/sessions/abc:attach?nope=1", {}, 4400),
    ],
)
async def test_attach_session_refused_after_handshake(
    stack: Stack, path: str, headers: dict[str, str], code: int
) -> None:
    """What a browser must be able to read comes as a close code."""
    async with _connect(stack, path, headers=headers) as socket:
        assert (await _ending(socket))[1] == code


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        (PATH, {"origin": "https://evil.example"}, 403),
        (PATH, {"origin": "null"}, 403),
        (PATH, {"subprotocols": ["stateroom.v9"]}, 426),
        ("/v1/sessions/abc", {}, 404),
        ("/v2/nothing", {}, 404),
    ],
)
async def test_attach_session_refused_before_upgrade(
    stack: Stack, path: str, options: dict[str, Any], status: int
) -> None:
    """A foreign page gets no socket at all."""
    with pytest.raises(InvalidStatus) as refused:
        async with _connect(stack, path, **options):
            pass
    assert refused.value.response.status_code == status


async def test_attach_session_same_or_allowed_origin_passes(stack: Stack) -> None:
    """The gateway's own host and the operator's origins may attach."""
    for origin in (f"http://{stack.listen}", "https://console.example.com"):
        async with _connect(stack, origin=origin) as socket:
            assert "attached" in json.loads(await socket.recv())


async def test_attach_session_client_leaves_ends_the_call(stack: Stack) -> None:
    """A device that vanishes is detached at once, and once."""
    seen = []

    async def attach(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        seen.append("attached")
        try:
            async for response in attach_session(requests, context):
                yield response
        finally:
            seen.append("gone")

    async def gone() -> bool:
        return "gone" in seen

    stack.services.answers["AttachSession"] = attach
    try:
        async with _connect(stack) as socket:
            await socket.recv()
            socket.transport.abort()
            await until(gone)
    finally:
        stack.services.answers["AttachSession"] = attach_session
    assert seen == ["attached", "gone"]


async def test_attach_session_credential_revoked_closes_4401(stack: Stack) -> None:
    """An open socket ends within 5 seconds of its credential's revocation."""
    async with _connect(stack) as socket:
        await socket.recv()
        stack.exchange.revoked = True
        try:
            frames, code = await _ending(socket)
        finally:
            stack.exchange.revoked = False
    assert (frames[-1]["error"]["details"][0]["reason"], code) == ("CREDENTIAL_INVALID", 4401)


async def test_attach_session_of_somebody_whose_role_changes_closes_1012(stack: Stack, tmp_path: Path) -> None:
    """What the socket may do has to be found out anew; its client may come back at once."""
    usual, signer = stack.exchange.token, Keys(tmp_path).signer("workspace")
    headers = {"authorization": f"Bearer {credential.mint('k', ids.new()).text}"}
    stack.exchange.token, _ = signer.sign_user(USER)
    try:
        async with _connect(stack, headers=headers) as socket:
            await socket.recv()
            stack.exchange.token, _ = signer.sign_user(replace(USER, role=policy_pb2.VIEWER))
            frames, code = await _ending(socket)
    finally:
        stack.exchange.token = usual
    assert (frames[-1]["error"]["details"][0]["reason"], code) == ("ROLE_CHANGED", 1012)
