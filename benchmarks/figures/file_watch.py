"""From the call that writes a file to the notice of it on another device, all over REST."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

from benchmarks.installation import Installation
from benchmarks.row import Row, at_most, percentile
from cli.client import Client, Json

WRITES = 300
CONTENT = b"x" * 4096
LIMIT = 100.0
"""Milliseconds, from the beginning of the call: the write, its two syncs and its record are in it."""


async def measure(installation: Installation) -> list[Row]:
    """Write one file after the other while another client watches the room."""
    session = await installation.open_session()
    files = f"/v1/workspaces/{session['workspaceId']}/files"
    async with Client(installation.client.endpoint) as other:
        watch = other.stream(f"{files}:watch")
        await anext(watch)
        seconds = [await _write(installation.client, watch, files, number) for number in range(WRITES)]
        await watch.aclose()
    what = "write of 4 KiB to its notice on another device"
    return [
        Row(f"{what} p50", "ms", percentile(seconds, 50) * 1000),
        at_most(Row(f"{what} p99", "ms", percentile(seconds, 99) * 1000), LIMIT),
    ]


async def _write(client: Client, watch: AsyncGenerator[Json, None], files: str, number: int) -> float:
    path = f"file-{number}"
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        noticed = group.create_task(_noticed(watch, path))
        await client.send_content("PUT", f"{files}:write", _content(), path=path)
    return noticed.result() - began


async def _noticed(watch: AsyncGenerator[Json, None], path: str) -> float:
    async for message in watch:
        if path in [change["path"] for change in message["changes"]]:
            return time.perf_counter()
    raise ConnectionError


async def _content() -> AsyncIterator[bytes]:
    yield CONTENT
