"""A program that prints 50 MB of lines: until all of it is on one device and in PostgreSQL."""

import asyncio
import os
import time

import asyncpg

from benchmarks.installation import Installation
from benchmarks.row import Row, at_least
from cli.attachment import Output, Wish, attach

MEGABYTES = 50
LIMIT = 18.0
"""Megabytes of 10^6 bytes a second."""
PRINT = f"yes {'The quick brown fox jumps over the lazy dog, ' * 2:.79} 2>/dev/null | head -c {MEGABYTES}000000"
_READ = 64 * 1024
_LOOK = 0.02  # seconds between looks at what PostgreSQL has

_STORED = """
SELECT coalesce(sum(length(data)), 0) FROM session.session_events WHERE session_id = $1::text::uuid AND type = 1
"""
_HEAD = "SELECT head_offset FROM session.session_heads WHERE session_id = $1::text::uuid"


async def measure(installation: Installation) -> list[Row]:
    """Print it into a bare terminal, then into a session, which is used for nothing else."""
    bare = await asyncio.to_thread(_bare)
    shown, stored = await _ours(installation)
    name = "raw PTY reader"
    return [
        at_least(Row("bulk output, on the device and stored", "MB/s", stored, bare, name), LIMIT),
        Row("  until it is on the device", "MB/s", shown, bare, name),
    ]


async def _ours(installation: Installation) -> tuple[float, float]:
    session_id = (await installation.open_session())["sessionId"]
    connection = await asyncpg.connect(installation.database_url)
    try:
        async with attach(installation.client.endpoint, Wish(session_id, role="CONTROLLER")) as attachment:
            await attachment.type(f"{PRINT}; echo; echo do''ne\n".encode())
            began, received, tail = time.monotonic(), 0, b""
            async for event in attachment.events():
                if isinstance(event, Output):
                    received += len(event.data)
                    tail = (tail + event.data)[-64:]
                    if b"done\r\n" in tail:
                        break
        shown = time.monotonic() - began
        while await connection.fetchval(_HEAD, session_id) < received:  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(_LOOK)
        stored = time.monotonic() - began
        if await connection.fetchval(_STORED, session_id) < received:
            raise RuntimeError("the log lacks bytes")
    finally:
        await connection.close()
    return received / shown / 1e6, received / stored / 1e6


def _bare() -> float:
    """Return the speed of a loop that only reads."""
    ours, theirs = os.openpty()
    began = time.monotonic()
    file_actions = [(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_CLOSE, theirs)]
    child = os.posix_spawnp("sh", ["sh", "-c", PRINT], {"PATH": os.defpath}, file_actions=file_actions)
    os.close(theirs)
    received = 0
    try:
        while data := os.read(ours, _READ):
            received += len(data)
    except OSError:  # EIO: the program ended
        pass
    seconds = time.monotonic() - began
    os.close(ours)
    os.waitpid(child, 0)
    return received / seconds / 1e6
