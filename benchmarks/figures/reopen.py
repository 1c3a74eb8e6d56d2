"""Reopening a session whose log is short or very long: until its screen is on the client as it was left."""

import time

import asyncpg

from benchmarks.figures.attach import print_lines
from benchmarks.installation import Installation
from benchmarks.row import Row, at_most, percentile
from cli.attachment import Attached, Ended, Output, Screen, Wish, attach
from runner.ghostty import Ghostty

SHORT, LONG = 1_000, 1_000_000
"""Records."""
ROUNDS = 100
"""Both take turns, so that a busy moment of the machine hits both."""
LIMIT = 50.0
"""Milliseconds."""
DIFFERENCE = 20.0
"""Percent."""

_LINE = b"x" * 79 + b"\n"
_MAKE_ROOM = """
UPDATE session.{table} SET {sequence} = {sequence} + $2, {offset} = {offset} + $2 * $3 WHERE session_id = $1
"""
_TABLES = {
    "session_events": ("sequence", '"offset"'),
    "session_screens": ("sequence", '"offset"'),
    "session_heads": ("head_sequence", "head_offset"),
}
_FILL = """
INSERT INTO session.session_events
    (session_id, account_id, sequence, "offset", time, type, data, columns, rows, reason)
SELECT session_id, account_id, number, (number - 1) * $3, create_time, 1, $4, 0, 0, ''
FROM session.sessions CROSS JOIN generate_series(1, $2::bigint) AS number WHERE session_id = $1
"""


async def measure(installation: Installation) -> list[Row]:
    """Reopen, in turn, two sessions whose shells did the same; before one of them came a million records."""
    sessions = [await _session(installation) for _ in range(2)]
    await _lengthen(installation, sessions[1], LONG - SHORT)
    for session_id, before in zip(sessions, (0, LONG - SHORT), strict=True):
        replayed = await _reopen(installation, session_id, before * len(_LINE))
        if (await _reopen(installation, session_id))[1] != replayed[1]:
            msg = "the screen is another than a replay shows"
            raise RuntimeError(msg)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for taken, session_id in zip(seconds, sessions, strict=True):
            taken.append((await _reopen(installation, session_id))[0])
    rows = []
    for taken, records in zip(seconds, (SHORT, LONG), strict=True):
        what = f"reopen at {records:,} records"
        rows.append(Row(f"{what} p50", "ms", percentile(taken, 50) * 1000))
        rows.append(at_most(Row(f"{what} p95", "ms", percentile(taken, 95) * 1000), LIMIT))
    difference = abs(rows[3].ours / rows[1].ours - 1) * 100
    return [*rows, at_most(Row("  they differ at p95 by", "%", difference), DIFFERENCE)]


async def _session(installation: Installation) -> str:
    session_id: str = (await installation.open_session())["sessionId"]
    await print_lines(installation, session_id, SHORT)
    async with attach(installation.client.endpoint, Wish(session_id, role="CONTROLLER")) as attachment:
        await attachment.type(b"exit\n")
        async for event in attachment.events():
            if isinstance(event, Ended):
                return session_id
    raise ConnectionError


async def _lengthen(installation: Installation, session_id: str, records: int) -> None:
    """Put records before all others of a log."""
    connection = await asyncpg.connect(installation.database_url)
    for table, (sequence, offset) in _TABLES.items():
        statement = _MAKE_ROOM.format(table=table, sequence=sequence, offset=offset)
        await connection.execute(statement, session_id, records, len(_LINE))
    await connection.execute(_FILL, session_id, records, len(_LINE), _LINE)
    await connection.execute("ANALYZE session.session_events")
    await connection.close()


async def _reopen(installation: Installation, session_id: str, offset: int | None = None) -> tuple[float, str]:
    """Return the seconds until the screen was there, or all output from an offset on, and the text that is shown."""
    began = time.perf_counter()
    end, shown = 0, -1
    terminal: Ghostty | None = None
    wish = Wish(session_id, offset or 0, role="OBSERVER", screen=offset is None)
    async with attach(installation.client.endpoint, wish) as attachment:
        async for event in attachment.events():
            if isinstance(event, Attached):
                end, shown = event.end_offset, event.offset
                terminal = Ghostty(event.columns, event.rows)
            elif isinstance(event, Screen | Output) and terminal is not None:
                terminal.feed(event.data)
                shown += len(event.data) if isinstance(event, Output) else 0
            if terminal is not None and shown >= end and not isinstance(event, Attached):
                seconds = time.perf_counter() - began
                return seconds, terminal.formatted(plain=True).decode()
    raise ConnectionError
