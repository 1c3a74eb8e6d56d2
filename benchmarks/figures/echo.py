"""A key's way from a client through the whole system to the terminal and its echo's way back."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect

from benchmarks.installation import Installation
from benchmarks.peers.process import peer
from benchmarks.row import Row, at_most, percentile
from cli.attachment import Attachment, Output, Wish, attach

ROUNDS, KEYS = 40, 100
"""Ours and the peer's take turns, so that a busy moment of the machine hits both."""
FACTOR = 2.5
PROGRAM = ["sh", "-c", "echo ready; exec cat > /dev/null"]
"""Reads lines and says nothing: what comes back is the terminal's own echo."""
_LINE = 50  # keys in a line; a terminal takes no more than 4,095 bytes without an end of line

Key = Callable[[bytes], Awaitable[float]]
"""Types one key and returns the seconds until its echo."""


async def measure(installation: Installation) -> list[Row]:
    """Type keys one after another, each after the echo of the one before."""
    async with _our_terminal(installation) as ours, _terminado() as theirs:
        await _round(ours), await _round(theirs)
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            seconds[0].extend(await _round(ours))
            seconds[1].extend(await _round(theirs))
    rows = []
    for percent in (50, 99):
        our, their = (percentile(each, percent) * 1000 for each in seconds)
        row = Row(f"key echo p{percent}", "ms", our, their, "terminado")
        rows.append(at_most(row, FACTOR * their, f"≤ {FACTOR:g} times terminado's"))
    return rows


async def _round(key: Key) -> list[float]:
    return [await key(b"\n" if number % _LINE == 0 else b"k") for number in range(KEYS)]


@asynccontextmanager
async def _our_terminal(installation: Installation) -> AsyncIterator[Key]:
    session = await installation.open_session()
    wish = Wish(session["sessionId"], role="CONTROLLER")
    async with attach(installation.client.endpoint, wish) as attachment:
        await attachment.type(b"clear; echo rea''dy; exec cat > /dev/null\n")
        shown = b""
        while b"ready\r\n" not in shown:
            shown += await _output(attachment)

        async def key(data: bytes) -> float:
            began = time.perf_counter()
            await attachment.type(data)
            await _output(attachment)
            return time.perf_counter() - began

        yield key


async def _output(attachment: Attachment) -> bytes:
    async for event in attachment.events():
        if isinstance(event, Output):
            return event.data
    raise ConnectionError


@asynccontextmanager
async def _terminado() -> AsyncIterator[Key]:
    async with peer("terminal", *PROGRAM) as port, connect(f"ws://127.0.0.1:{port}/terminal") as socket:
        while b"ready" not in _bytes(await socket.recv()):
            pass

        async def key(data: bytes) -> float:
            began = time.perf_counter()
            await socket.send(json.dumps(["stdin", data.decode()]))
            await socket.recv()
            return time.perf_counter() - began

        yield key


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
