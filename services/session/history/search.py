"""A search through what sessions printed: backwards, window by window, as far as one call may go."""

import asyncio

from chassis.actor import Actor
from chassis.database import Database
from services.session.history import queries
from services.session.history.domain import LAST_OFFSET, Found, Match, Place, Query
from services.session.history.pattern import Pattern
from services.session.sessions.domain import Session

BUDGET = 4 << 20
"""Bytes of output that one call reads, give or take a window."""
SESSIONS = 200
"""Sessions that one call looks into."""


async def search(database: Database, actor: Actor, query: Query, size: int, begin: Place | None) -> Found:
    """Return at most `size` lines from a place on (None: the newest output), as far as one call goes.

    Raises:
        InvalidField: the query is no regular expression.
        SessionNotFound: it is for a session that there is not.
    """
    pattern = Pattern(query)
    newest = begin.session_id if begin is not None else None
    sessions = await database.read(actor, queries.list_searched, wanted=query, newest=newest, limit=SESSIONS + 1)
    matches, searched = list[Match](), 0
    for session in sessions[:SESSIONS]:
        end = begin.offset if begin is not None and session.session_id == newest else LAST_OFFSET
        end = min(end, session.output_bytes)
        while end > 0:
            if len(matches) == size or searched >= BUDGET:
                return Found(matches, Place(session.session_id, end), searched)
            more, before = await _look(database, actor, session, end, pattern, query)
            searched += end - before
            fitting = more[: size - len(matches)]
            end = before if fitting == more else fitting[-1].offset
            matches += fitting
    rest = Place(sessions[SESSIONS].session_id, LAST_OFFSET) if len(sessions) > SESSIONS else None
    return Found(matches, rest, searched)


async def _look(
    database: Database, actor: Actor, session: Session, end: int, pattern: Pattern, query: Query
) -> tuple[list[Match], int]:
    """Search the window that ends at an offset; returns what it has, and where the one before it ends."""
    window = await database.read(actor, queries.read_window, session=session, end=end)
    if window is None:
        return [], 0  # let go meanwhile
    matches, before = await asyncio.to_thread(window.search, pattern, query)
    is_too_old = query.start_time is not None and window.records[0].time < query.start_time
    return matches, 0 if is_too_old else before
