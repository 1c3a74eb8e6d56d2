"""Logs that are let go: which months are due, what they hold, and that they are gone.

Plain SQL on the system's connection where all accounts are meant.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from chassis import ids, tables
from chassis.sql import Connection
from services.session.history.domain import LogMonth
from services.session.history.tables import log_months

Driver = Any
"""asyncpg's connection."""

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('logs are let go', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('logs are let go', 0))"
_OVER = """
SELECT month FROM (
    SELECT to_date(right(relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC' AS month
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'session_events'::regclass
) AS partition
WHERE month < date_trunc('month', now(), 'UTC') - make_interval(months => $1)
ORDER BY month
"""
_RANGE = "session_id >= month_of_sessions($1) AND session_id < month_of_sessions($1 + interval '1 month')"
_UNFINISHED = f"""
SELECT count(*) FROM sessions JOIN session_heads USING (session_id, account_id)
WHERE {_RANGE} AND (end_time IS NULL OR session_heads.reconcile_time IS NOT NULL)
"""  # noqa: S608  # our own text
_HELD = f"""
SELECT account_id, count(*) AS session_count, sum(head_sequence)::bigint AS record_count,
    sum(head_offset)::bigint AS output_bytes
FROM session_heads WHERE {_RANGE} AND head_sequence > 0
    AND NOT EXISTS (
        SELECT FROM log_months AS noted WHERE noted.account_id = session_heads.account_id AND noted.start_time = $1
    )
GROUP BY account_id ORDER BY account_id
"""  # noqa: S608  # as above
_DROP_SCREENS = f"DELETE FROM session_screens WHERE {_RANGE}"  # noqa: S608  # as above


async def months_over(driver: Driver, keep: int) -> list[datetime]:
    """Return the months of which logs are there although `keep` whole months have passed since, the oldest first."""
    return [row["month"] for row in await driver.fetch(_OVER, keep)]


async def count_unfinished(driver: Driver, month: datetime) -> int:
    """Return how many sessions of a month live, or still have output that is not stored."""
    return int(await driver.fetchval(_UNFINISHED, month))


async def held(driver: Driver, month: datetime, now: datetime) -> list[LogMonth]:
    """Return what accounts have of a month, but for those of which it is noted that it was let go."""
    rows = await driver.fetch(_HELD, month)
    return [LogMonth(log_month_id=ids.new(), start_time=month, version=1, expire_time=now, **row) for row in rows]


async def try_lock(driver: Driver) -> bool:
    """Return whether this process is the one that lets go of logs, until it unlocks or loses the connection."""
    return bool(await driver.fetchval(_LOCK))


async def unlock(driver: Driver) -> None:
    """Leave it to others."""
    await driver.execute(_UNLOCK)


async def drop(driver: Driver, month: datetime) -> None:
    """Drop all logs of a month that is over, at once, with what was kept of their screens."""
    await driver.execute(_DROP_SCREENS, month)
    await driver.execute("SELECT drop_session_events_partition($1)", month)


async def insert_month(connection: Connection, month: LogMonth) -> None:
    """Note that logs were let go."""
    await connection.execute(insert(log_months).values(**tables.row_of(month)))


async def get_month(connection: Connection, log_month_id: UUID) -> LogMonth:
    """Return what is noted of logs that were let go."""
    statement = select(log_months).where(log_months.c.log_month_id == log_month_id)
    return tables.to(LogMonth, (await connection.execute(statement)).one())
