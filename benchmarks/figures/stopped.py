"""A device that reads, beside devices that do not, while a program prints as fast as it can."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import connect

from benchmarks.installation import Installation
from benchmarks.processes import resident_of
from benchmarks.row import Row, at_most, percentile
from cli.attachment import Attachment, Output, Wish, attach

STOPPED = 20
SECONDS = 10.0
LAG, MEBIBYTES = 1.0, 1.0
_PRINT = """yes & exec 9<> <(:); while printf '\\nat %s !\\n' "$EPOCHREALTIME"; do read -rt .05 -u 9; done"""
_TIME = re.compile(rb"at (\d+\.\d+) !")
_KEPT = 40  # bytes in which a time may have begun


async def measure(installation: Installation) -> list[Row]:
    """Return how far behind the program the reading device is, and what each device that does not read takes up."""
    session = await installation.open_session()
    wish = Wish(session["sessionId"], role="CONTROLLER")
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(attach(installation.client.endpoint, wish))
        await reader.type(_PRINT.encode() + b"\n")
        group, lags = await stack.enter_async_context(asyncio.TaskGroup()), list[float]()
        reading = group.create_task(_read(reader, lags))
        alone = await _over_some_seconds(lags)
        before = _memory(installation)
        for _ in range(STOPPED):
            await stack.enter_async_context(_stopped(installation, session["sessionId"]))
        beside = await _over_some_seconds(lags)
        grown = (_memory(installation) - before) / STOPPED / 2**20
        reading.cancel()
    await installation.client.post(f"/v1/sessions/{session['sessionId']}:terminate", {})
    return [
        at_most(Row(f"lag of a device beside {STOPPED} that stopped, during `yes`, p99", "s", beside), LAG),
        Row("  the same with nobody beside it", "s", alone),
        at_most(Row("  memory of the services for each that stopped", "MiB", grown), MEBIBYTES),
    ]


@asynccontextmanager
async def _stopped(installation: Installation, session_id: str) -> AsyncIterator[None]:
    """Attach a device that takes nothing off its connection."""
    url = f"ws{installation.endpoint.gateway.removeprefix('http')}/v1/sessions/{session_id}:attach?attach.role=OBSERVER"
    headers = {"Authorization": f"Bearer {installation.endpoint.api_key}"}
    connection = await connect(url, additional_headers=headers, max_queue=1)
    connection.transport.pause_reading()
    try:
        yield
    finally:
        connection.transport.abort()


async def _read(device: Attachment, lags: list[float]) -> None:
    """Note how far behind the program the device is, each time that the program tells the time."""
    tail = b""
    async for event in device.events():
        if isinstance(event, Output):
            now, text = time.time(), tail + event.data
            lags += [now - float(found[1]) for found in _TIME.finditer(text)]
            tail = text[-_KEPT:] if _TIME.search(text[-_KEPT:]) is None else b""


async def _over_some_seconds(lags: list[float]) -> float:
    lags.clear()
    await asyncio.sleep(SECONDS)
    return percentile(lags, 99)


def _memory(installation: Installation) -> int:
    return sum(resident_of(installation.endpoint.pids[part]) for part in ("gateway", "session"))
