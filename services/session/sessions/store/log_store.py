"""The log in PostgreSQL: records are added in bulk, and only by the copier whose epoch is in force.

Plain SQL on the driver's connection, because one statement takes the records of many sessions.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.session.sessions.log import Copy, Head, Record, RecordType

_ADVANCE = """
UPDATE session_heads AS head SET
    head_sequence = copy.end_sequence, head_offset = copy.end_offset, title = COALESCE(copy.title, head.title),
    last_activity_time = greatest(head.last_activity_time, date_trunc('second', copy.time))
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[])
    AS copy (session_id, copier_epoch, head_sequence, end_sequence, end_offset, title, time)
WHERE head.session_id = copy.session_id AND head.copier_epoch = copy.copier_epoch
    AND head.head_sequence = copy.head_sequence
RETURNING head.session_id
"""
_ADD = """
INSERT INTO session_events (
    session_id, account_id, sequence, "offset", time, type, data, columns, rows, exit_code, exit_signal, reason
) SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::smallint[], $7::bytea[],
    $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::text[]
)
"""
_SHOW = """
INSERT INTO session_screens (session_id, account_id, sequence, "offset", screen)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bytea[])
ON CONFLICT (session_id) DO UPDATE SET
    sequence = excluded.sequence, "offset" = excluded."offset", screen = excluded.screen
"""
_HEAD = """
SELECT session_id, head_sequence, head_offset, copier_epoch, copier_process FROM session_heads WHERE session_id = $1
"""
_ORPHANS = """
WITH live AS MATERIALIZED (
    SELECT session_id, account_id, copier_process FROM sessions JOIN session_heads USING (session_id, account_id)
    WHERE sessions.state IN ('ACTIVE', 'PAUSED') AND sessions.kind <> 'EDITOR'
), gone AS MATERIALIZED (
    SELECT copier_process FROM (SELECT DISTINCT copier_process FROM live) AS known WHERE NOT is_present(copier_process)
)
SELECT session_id, account_id FROM live JOIN gone USING (copier_process) ORDER BY session_id LIMIT 1000
"""
_CLAIM = """
UPDATE session_heads SET copier_epoch = copier_epoch + 1, copier_process = $2
WHERE session_id = $1 AND NOT is_present(copier_process)
RETURNING session_id, head_sequence, head_offset, copier_epoch, copier_process
"""
_LIVE = """
SELECT session_id FROM sessions WHERE workspace_id = $1 AND end_time IS NULL AND create_time <= $2 ORDER BY session_id
"""
_TYPED = """
UPDATE session_heads SET last_activity_time = greatest(last_activity_time, date_trunc('second', $2::timestamptz))
WHERE session_id = ANY($1::uuid[]) AND last_activity_time < date_trunc('second', $2::timestamptz)
"""

Driver = Any
"""asyncpg's connection, from the system's pool or from under SQLAlchemy."""


async def append(driver: Driver, copies: Sequence[Copy]) -> set[UUID]:
    """Add records to the logs of sessions. Returns those whose head was where the copy expected it.

    Of their screens only the newest is kept, beside the log.
    """
    ordered = sorted(copies, key=lambda copy: copy.session_id)
    heads = [
        (c.session_id, c.copier_epoch, c.head_sequence, c.last.sequence, c.last.end_offset, c.title, c.last.time)
        for c in ordered
    ]
    won = {row["session_id"] for row in await driver.fetch(_ADVANCE, *zip(*heads, strict=True))}
    rows = [_row(copy, record) for copy in ordered if copy.session_id in won for record in copy.records]
    if rows:
        await driver.execute(_ADD, *zip(*rows, strict=True))
    screens = [
        (copy.session_id, copy.account_id, screen.sequence, screen.offset, screen.data)
        for copy in ordered
        if copy.session_id in won and (screen := copy.screen) is not None
    ]
    if screens:
        await driver.execute(_SHOW, *zip(*screens, strict=True))
    return won


async def get_head(driver: Driver, session_id: UUID) -> Head | None:
    """Return how far a log is stored."""
    return _head(await driver.fetchrow(_HEAD, session_id))


async def orphans(driver: Driver) -> list[tuple[UUID, UUID]]:
    """Return ids and accounts of running sessions whose copier's process is gone, at most 1,000; editors have none."""
    return [(row["session_id"], row["account_id"]) for row in await driver.fetch(_ORPHANS)]


async def live_sessions(driver: Driver, workspace_id: UUID, then: datetime) -> list[UUID]:
    """Return the sessions of a workspace that were there at an instant and have not ended."""
    return [row["session_id"] for row in await driver.fetch(_LIVE, workspace_id, then)]


async def claim(driver: Driver, session_id: UUID, process: int) -> Head | None:
    """Become the copier of a log. None when another process was faster."""
    return _head(await driver.fetchrow(_CLAIM, session_id, process))


async def note_input(driver: Driver, session_ids: Sequence[UUID], now: datetime) -> None:
    """Note that somebody typed into sessions."""
    await driver.execute(_TYPED, list(session_ids), now)


async def ensure_partitions(driver: Driver) -> None:
    """Make the partitions of this month and the next."""
    for months in (0, 1):
        await driver.execute("SELECT ensure_session_events_partition(now() + make_interval(months => $1))", months)


def _head(row: Any) -> Head | None:  # asyncpg's record is untyped here
    return None if row is None else Head(**dict(row))


def _row(copy: Copy, record: Record) -> tuple[object, ...]:
    return (
        copy.session_id,
        copy.account_id,
        record.sequence,
        record.offset,
        record.time,
        int(record.type),
        b"" if record.type is RecordType.SCREEN else record.data,
        record.columns,
        record.rows,
        record.exit_code,
        record.exit_signal,
        record.reason,
    )
