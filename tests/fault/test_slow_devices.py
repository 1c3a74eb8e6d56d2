"""I9: devices that stop reading, or never say what they have shown, slow neither the shell nor anybody else."""

import asyncio
import re
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from chassis import ids
from cli.attachment import Attachment, Output, Wish, attach
from cli.client import Client
from cli.endpoint import Endpoint
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import create_workspace, opened_session

SECONDS = 3
RATE = 2_000_000
"""Bytes a second: many times what the slow devices can be sent, far below what the machine can do."""
PROGRAM = """python3 -c '
import sys, time
began = time.time()
for step in range({steps}):
    sys.stdout.write("at %.3f " % time.time() + "x" * {filler} + chr(10))
    sys.stdout.flush()
    time.sleep(max(0, began + step / 100 - time.time()))
print("took %.3f seconds" % (time.time() - began))
'
"""
LAG_SECONDS = 1.0
GROWTH_BYTES = 20 * 1024 * 1024


@pytest.mark.thorough
async def test_devices_that_stop_slow_neither_the_shell_nor_a_normal_device(
    embedded_stack: EmbeddedStack, client: Client, rounds: int
) -> None:
    """One reads nothing, one acknowledges nothing; the third is at most a second behind, and memory stays bounded."""
    seconds = SECONDS * rounds
    workspace = await create_workspace(client, f"slow-{ids.new().hex[-8:]}")
    async with (
        opened_session(client, workspace["workspaceId"]) as session_id,
        _connected(embedded_stack.api, session_id) as stuck,
        _connected(embedded_stack.api, session_id) as deaf,
        attach(embedded_stack.api, Wish(session_id, role="CONTROLLER")) as normal,
        asyncio.TaskGroup() as group,
    ):
        stuck.transport.pause_reading()
        hearing = group.create_task(_hear(deaf))
        await _run(normal, 1)
        before = _memory(embedded_stack)
        lags, took = await _run(normal, seconds)
        grown = _memory(embedded_stack) - before
        hearing.cancel()
    assert took < 2 * seconds
    assert lags[len(lags) * 9 // 10] < LAG_SECONDS
    assert grown < GROWTH_BYTES


@asynccontextmanager
async def _connected(api: Endpoint, session_id: str) -> AsyncIterator[ClientConnection]:
    url = f"ws{api.url.removeprefix('http')}/v1/sessions/{session_id}:attach?attach.role=OBSERVER"
    connection = await connect(url, additional_headers={"Authorization": f"Bearer {api.api_key}"}, max_queue=1)
    try:
        yield connection
    finally:
        connection.transport.abort()  # one that does not read cannot be said goodbye to


async def _hear(device: ClientConnection) -> None:
    async for _ in device:
        pass


async def _run(device: Attachment, seconds: int) -> tuple[list[float], float]:
    """Run the program; returns how far behind it the device was, sorted, and the seconds that it took."""
    filler = RATE // 100 - len("at 1700000000.000 \n")
    await device.type(PROGRAM.format(steps=seconds * 100, filler=filler).encode())
    lags: list[float] = []
    tail = b""
    async for event in device.events():
        if isinstance(event, Output):
            lags.extend(time.time() - printed for printed in _times(event.data))
            tail = tail[-100:] + event.data[-100:]
            if took := re.search(rb"took ([\d.]+) seconds", tail):
                return sorted(lags), float(took[1])
    raise AssertionError(tail)


def _times(data: bytes) -> Iterator[float]:
    return (float(found) for found in re.findall(rb"at (\d+\.\d{3}) ", data))


def _memory(stack: EmbeddedStack) -> int:
    """Return the resident bytes of the gateway and the session service."""
    pages = (Path(f"/proc/{stack.endpoint.pids[part]}/statm").read_text().split()[1] for part in ("gateway", "session"))
    return sum(map(int, pages)) * resource.getpagesize()
