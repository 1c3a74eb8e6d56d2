"""Two hundred sessions that each print 1 kB a second, each on a device of its own."""

import asyncio
import re
import time
from contextlib import AsyncExitStack

from benchmarks.installation import Installation
from benchmarks.processes import cores_of
from benchmarks.row import Row, at_most, percentile
from cli.attachment import Attachment, Output, Wish, attach

ROOMS, SESSIONS_EACH = 10, 20
SECONDS = 15.0
LAG, CORES = 1.0, 1.0
_ENOUGH = 0.95
_SETTLE = 3.0  # seconds after the last has begun
_PRINT = """exec 9<> <(:); while printf 'at %s %0970d\\n' "$EPOCHREALTIME" 0; do read -rt 1 -u 9; done"""
"""bash waits for a second on a pipe that says nothing: 200 `sleep`s a second would be what is measured."""
_LINE = re.compile(rb"at (\d+\.\d+) 0")


async def measure(installation: Installation) -> list[Row]:
    """Return how far behind the programs the devices are, and the processor time that the services take for it."""
    pids, sessions = installation.endpoint.pids, await _sessions(installation)
    async with AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(attach(installation.client.endpoint, wish)) for wish in sessions]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        lags: list[float] = []
        watching = [group.create_task(_watch(device, lags)) for device in devices]
        await asyncio.sleep(_SETTLE)
        lags.clear()
        session, gateway = await asyncio.gather(*(cores_of(pids[name], SECONDS) for name in ("session", "gateway")))
        for task in watching:
            task.cancel()
    if len(lags) < _ENOUGH * len(devices) * SECONDS:
        raise RuntimeError("the sessions do not print at their rate")
    what = f"{len(devices)} sessions of 1 kB/s, a device each"
    return [
        at_most(Row(f"{what}: longest lag", "s", max(lags)), LAG),
        Row("  lag p99", "s", percentile(lags, 99)),
        at_most(Row("  processor time of the session service", "cores", session), CORES),
        Row("  processor time of the gateway", "cores", gateway),
    ]


async def _sessions(installation: Installation) -> list[Wish]:
    wishes: list[Wish] = []
    for _ in range(ROOMS):
        first = await installation.open_session()
        wanted = {"workspaceId": first["workspaceId"], "kind": "TERMINAL", "columns": 1000}
        others = [await installation.client.post("/v1/sessions", wanted) for _ in range(SESSIONS_EACH - 1)]
        wishes += [Wish(session["sessionId"], role="CONTROLLER") for session in (first, *others)]
    return wishes


async def _watch(device: Attachment, lags: list[float]) -> None:
    """Start the program and note how late each of its lines is."""
    await device.type(_PRINT.encode() + b"\n")
    tail = b""
    async for event in device.events():
        if isinstance(event, Output):
            *lines, tail = (tail + event.data).split(b"\n")
            now = time.time()
            lags += [now - float(found[1]) for line in lines if (found := _LINE.match(line))]
