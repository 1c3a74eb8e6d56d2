"""Judging an installation after a run: waiting until its ledger is complete, and what is wrong with it then."""

from collections.abc import Sequence

import asyncpg
import pytest

from tests.support.checkers import (
    answers_are_kept,
    ledger_is_the_record,
    nothing_is_recorded_of,
    versions_count_up,
)
from tests.support.history import History, Row, committed, lag, recorded
from tests.support.waiting import until

SOURCES = ("workspace", "session", "execution")
"""Services whose changes are recorded."""


async def complete(admin_url: str, *, said: str = "") -> None:
    """Wait until everything that was committed is numbered and recorded."""

    async def level() -> bool:
        try:
            return [await lag(admin_url, source) for source in SOURCES] == [0 for _ in SOURCES]
        except (asyncpg.PostgresError, OSError):
            return False  # it is on its way up

    try:
        await until(level)
    except TimeoutError:
        pytest.fail(f"the ledger is not complete; {said}")


async def broken(admin_url: str, history: History, phantoms: Sequence[str] = ()) -> list[str]:
    """Return what is wrong with the ledger; `phantoms` are request ids of what was never committed."""
    found: list[str] = []
    entries: list[Row] = []
    for source in SOURCES:
        changes = await committed(admin_url, source)
        rows = await _recorded_up_to(admin_url, source, max((change.position for change in changes), default=0))
        found += ledger_is_the_record(changes, rows)
        entries += rows
    found += versions_count_up(entries) + answers_are_kept(history, entries)
    return found + nothing_is_recorded_of(phantoms, entries)


async def _recorded_up_to(admin_url: str, source: str, position: int) -> list[Row]:
    """Return what the ledger has up to a position, once it has that: services may still change something meanwhile."""
    rows: list[Row] = []

    async def reached() -> bool:
        rows[:] = await recorded(admin_url, source)
        return not position or any(row.position >= position for row in rows)

    try:
        await until(reached)
    except TimeoutError:
        pytest.fail(f"position {position} of {source} is committed, and was not recorded in time")
    return [row for row in rows if row.position <= position]
