"""Attaching to a session with a long log: until its last byte is on the client."""

import time

import asyncpg

from benchmarks.installation import Installation
from benchmarks.row import Row, at_most, percentile
from cli.attachment import Attached, Output, Wish, attach

RECORDS, BYTES = 10_000, 80
ROUNDS = 40
LIMIT = 50.0
"""Milliseconds."""
_PRINT = """python3 -c '
import os, time
for number in range({records}):
    os.write(1, b"%0{width}d\\n" % number)
    time.sleep(0.0015)
'; echo do''ne
"""
_COUNT = "SELECT count(*) FROM session.session_events WHERE session_id = $1::text::uuid"


async def measure(installation: Installation) -> list[Row]:
    """Attach again and again to a session whose shell printed short lines, one at a time."""
    session_id = (await installation.open_session())["sessionId"]
    await print_lines(installation, session_id, RECORDS)
    connection = await asyncpg.connect(installation.database_url)
    records = await connection.fetchval(_COUNT, session_id)
    await connection.close()
    seconds = [await _attach(installation, session_id) for _ in range(ROUNDS)]
    what = f"attach to {records:,} records of {BYTES} bytes"
    return [
        Row(f"{what} p50", "ms", percentile(seconds, 50) * 1000),
        at_most(Row(f"{what} p95", "ms", percentile(seconds, 95) * 1000), LIMIT),
    ]


async def print_lines(installation: Installation, session_id: str, records: int) -> None:
    """Have a shell print short lines, each of which is a record."""
    async with attach(installation.client.endpoint, Wish(session_id, role="CONTROLLER")) as attachment:
        await attachment.type(_PRINT.format(records=records, width=BYTES - 2).encode())
        tail = b""
        async for event in attachment.events():
            if isinstance(event, Output):
                tail = (tail + event.data)[-64:]
                if b"done\r\n" in tail:
                    return


async def _attach(installation: Installation, session_id: str) -> float:
    began = time.perf_counter()
    end, shown = 0, -1
    async with attach(installation.client.endpoint, Wish(session_id, role="OBSERVER")) as attachment:
        async for event in attachment.events():
            if isinstance(event, Attached):
                end = event.end_offset
            elif isinstance(event, Output):
                shown = event.offset + len(event.data)
            if shown >= end:
                return time.perf_counter() - began
    raise ConnectionError
