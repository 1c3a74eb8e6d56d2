"""Whatever frames a WebSocket gets, it goes on or ends as documented, and the next one works."""

import asyncio
import json
import struct

import pytest
from hypothesis import given

from tests.contract.gateway.conftest import Stack
from tests.support.examples import examples
from tests.support.waiting import PATIENCE
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, any_frames, frame, upgraded

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/v1/sessions/abc:attach?offset=5"
EXAMPLES = 20
"""Connections in one round."""
PROTOCOL_ERRORS = {0, 1002, 1007, 1009}
"""Close codes, 0 for none, of what is not even a WebSocket any more."""
MEBIBYTE = 1 << 20

KEPT = {
    "ping": frame(PING, b"a"),
    "flood of pings": frame(PING, b"a" * 125) * 500,
    "pong that nobody asked for": frame(PONG, b"a"),
    "ping between fragments": frame(TEXT, b'{"resize":{"col', first=0)
    + frame(PING)
    + frame(CONTINUATION, b'umns":90,"rows":9}}'),
    "thousands of empty fragments": frame(BINARY, first=0)
    + frame(CONTINUATION, first=0) * 5000
    + frame(CONTINUATION, b"b"),
}
"""What the connection survives."""
REFUSED = {
    "text that is no JSON": (frame(TEXT, b"hello"), 4400, "INVALID_JSON"),
    "empty text": (frame(TEXT), 4400, "INVALID_JSON"),
    "list": (frame(TEXT, b"[]"), 4400, "INVALID_TYPE"),
    "null": (frame(TEXT, b"null"), 4400, "INVALID_TYPE"),
    "deep": (frame(TEXT, b"[" * 50_000), 4400, "JSON_TOO_DEEP"),
    "key twice": (frame(TEXT, b'{"ack":{"offset":1},"ack":{"offset":2}}'), 4400, "DUPLICATE_KEY"),
    "two messages in one": (frame(TEXT, b'{"ack":{"offset":1},"takeControl":{}}'), 4400, "INVALID_TYPE"),
    "huge number": (frame(TEXT, b'{"ack":{"offset":' + b"9" * 5000 + b"}}"), 4400, "INVALID_NUMBER"),
    "infinite number": (frame(TEXT, b'{"resize":{"columns":1e999}}'), 4400, "INVALID_NUMBER"),
    "NUL": (frame(TEXT, b'{"input":{"data":"\\u0000"}}'), 4400, "NUL_NOT_ALLOWED"),
    "lone surrogate": (frame(TEXT, b'{"input":{"data":"\\ud800"}}'), 4400, "INVALID_UNICODE"),
    "bad JSON in fragments": (frame(TEXT, b"{", first=0) + frame(CONTINUATION, b"["), 4400, "INVALID_JSON"),
    "text beyond the limit": (frame(TEXT, b" " * (MEBIBYTE + 1)), 4413, "BODY_TOO_LARGE"),
    "bytes beyond the limit": (frame(BINARY, bytes(MEBIBYTE + 1)), 4413, "BODY_TOO_LARGE"),
}
"""What ends with an error frame that says why, and its close code."""
BROKEN = {
    "text that is no UTF-8": frame(TEXT, b"\xff\xfe"),
    "continuation of nothing": frame(CONTINUATION, b"a"),
    "message inside of a message": frame(TEXT, b"{", first=0) + frame(TEXT, b"}"),
    "ping in fragments": frame(PING, b"a", first=0),
    "long ping": frame(PING, b"a" * 126),
    "reserved bit": frame(TEXT, b"{}", first=0xC0),
    "unknown data": frame(3, b"a"),
    "unknown control": frame(11, b"a"),
    "frame without a mask": frame(TEXT, b"{}", masked=False),
    "length of 64 bits": frame(BINARY, claimed=(1 << 64) - 1),
    "close with half a code": frame(CLOSE, b"\3"),
    "close with a code that is none": frame(CLOSE, struct.pack("!H", 1005)),
    "close with text that is no UTF-8": frame(CLOSE, struct.pack("!H", 1000) + b"\xff"),
}
"""What breaks RFC 6455, and ends the connection."""


async def _sent(stack: Stack, data: bytes) -> list[tuple[int, bytes]]:
    """Attach, send bytes, hang up; returns the frames that came after the first, which says that one is attached."""
    async with asyncio.timeout(PATIENCE), upgraded(stack.listen, PATH, stack.credential) as wire:
        attached = await wire.receive()
        assert attached is not None
        assert "attached" in json.loads(attached[1])
        await wire.send(data)
        return await wire.rest()


async def _alive(stack: Stack) -> bool:
    """Whether another connection echoes."""
    return (BINARY, b"echo") in await _echoed(stack, frame(BINARY, b"echo"))


async def _echoed(stack: Stack, data: bytes) -> list[tuple[int, bytes]]:
    """Send frames, then a byte of which one knows the echo; returns what came until then."""
    frames: list[tuple[int, bytes]] = []
    async with asyncio.timeout(PATIENCE), upgraded(stack.listen, PATH, stack.credential) as wire:
        await wire.send(data + frame(BINARY, b"end"))
        while (BINARY, b"end") not in frames:
            received = await wire.receive()
            assert received is not None, "the connection is over"
            frames.append(received)
    return frames


def _faults(frames: list[tuple[int, bytes]]) -> list[str]:
    """Return what is wrong with what a gateway sent."""
    wrong = []
    for opcode, data in frames:
        if opcode == TEXT and json.loads(data).get("error", {}).get("code", 0) >= 500:
            wrong.append(data.decode())
        elif opcode == CLOSE and _code(data) not in {*PROTOCOL_ERRORS, 1000, 4400, 4403, 4404, 4409, 4413, 4429}:
            wrong.append(f"closed with {_code(data)}")
        elif opcode not in {TEXT, BINARY, CLOSE, PONG}:
            wrong.append(f"opcode {opcode}")
    return wrong


def _code(data: bytes) -> int:
    return int.from_bytes(data[:2])


@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT)
async def test_attach_session_odd_frames_keep_the_connection(stack: Stack, data: bytes) -> None:
    """What follows them still arrives."""
    assert not [received for received in await _echoed(stack, data) if received[0] == CLOSE]


@pytest.mark.parametrize(("data", "code", "reason"), REFUSED.values(), ids=REFUSED)
async def test_attach_session_bad_message_ends_with_reason_and_code(
    stack: Stack, data: bytes, code: int, reason: str
) -> None:
    """A program learns what to repair, and a browser at least its kind."""
    async with asyncio.timeout(PATIENCE), upgraded(stack.listen, PATH, stack.credential) as wire:
        await wire.receive()
        await wire.send(data)
        refusal, end = await wire.receive(), await wire.receive()
    assert refusal is not None
    assert end is not None
    assert json.loads(refusal[1])["error"]["details"][0]["reason"] == reason
    assert (end[0], _code(end[1])) == (CLOSE, code)
    assert await _alive(stack)


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
async def test_attach_session_broken_frame_ends_the_connection_and_no_other(stack: Stack, data: bytes) -> None:
    """At once, with a code of the protocol or none, and without a message of ours."""
    async with asyncio.timeout(PATIENCE), upgraded(stack.listen, PATH, stack.credential) as wire:
        await wire.receive()
        await wire.send(data)
        frames = []
        while (received := await wire.receive()) is not None:
            frames.append(received)
    assert [opcode for opcode, _ in frames] in ([CLOSE], [])
    assert {_code(data) for _, data in frames} <= PROTOCOL_ERRORS
    assert await _alive(stack)


async def test_attach_session_any_frames_end_as_documented(stack: Stack, pytestconfig: pytest.Config) -> None:
    """No bytes are a fault of the gateway; the connection is over when the client is gone, and the next one works."""
    loop = asyncio.get_running_loop()

    @examples(pytestconfig, EXAMPLES)
    @given(any_frames())
    def send(data: bytes) -> None:
        frames = asyncio.run_coroutine_threadsafe(_sent(stack, data), loop).result()
        assert not _faults(frames)

    await asyncio.to_thread(send)
    assert await _alive(stack)
