"""Reads of logs as they are stored: whole, a page at a time."""

from uuid import UUID

from sqlalchemy import or_, select

from chassis import tables
from chassis.sql import Connection
from services.session.history.domain import Query, Recording
from services.session.history.window import Window
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.errors import LogExpired
from services.session.sessions.log import Record, RecordType
from services.session.sessions.spec import Kind
from services.session.sessions.store import session_store
from services.session.sessions.tables import events, heads, sessions

PAGE_RECORDS = 4096
"""Records read at once at most."""
PAGE_BYTES = 256 * 1024
"""Bytes read at once, give or take one record."""
SIZES = 1000
"""Changes of size that are known of a session that is searched; with more, early lines are as wide as later ones."""


async def get_recording(connection: Connection, *, session_id: UUID) -> Recording:
    """Return what is stored of a session. SessionNotFound, LogExpired."""
    session = await session_store.get_session(connection, session_id)
    await queries.expect_log(connection, session_id)
    head = select(heads.c.begin_columns, heads.c.begin_rows, heads.c.head_sequence)
    row = (await connection.execute(head.where(heads.c.session_id == session_id))).one()
    return Recording(session, row.begin_columns, row.begin_rows, row.head_sequence)


async def read_records(connection: Connection, *, session: Session, after: Record | None, last: int) -> list[Record]:
    """Return the records that follow one (None: the first), up to a sequence that is stored: 256 KiB of output at most.

    Events of agents, which are no output and may be large, come a few at a time. Nothing once all were read.
    LogExpired when they are there no more.
    """
    sequence, offset = (after.sequence, after.end_offset) if after is not None else (0, 0)
    if sequence >= last:
        return []
    count = queries.PAGE_EVENTS if session.kind is Kind.AGENT else PAGE_RECORDS
    following = (
        events.c.session_id == session.session_id,
        events.c.sequence > sequence,
        events.c.sequence <= min(sequence + count, last),
        events.c.offset < offset + PAGE_BYTES,
    )
    statement = select(*queries.RECORD_COLUMNS).where(*following).order_by(events.c.sequence)
    rows = (await connection.execute(statement)).all()
    if not rows:
        raise LogExpired(session.session_id)
    return [queries.record_of(row) for row in rows]


async def list_searched(connection: Connection, *, wanted: Query, newest: UUID | None, limit: int) -> list[Session]:
    """Return sessions that may have printed what a query is for, newest first, from one on. SessionNotFound.

    Deleted ones are looked into only when they are asked for by id.
    """
    if wanted.session_id is not None:
        return [await session_store.get_session(connection, wanted.session_id)]
    statement = session_store.selected().where(heads.c.head_offset > 0, sessions.c.delete_time.is_(None))
    if newest is not None:
        statement = statement.where(sessions.c.session_id <= newest)
    if wanted.workspace_id is not None:
        statement = statement.where(sessions.c.workspace_id == wanted.workspace_id)
    if wanted.start_time is not None:
        statement = statement.where(or_(sessions.c.end_time.is_(None), sessions.c.end_time >= wanted.start_time))
    if wanted.end_time is not None:
        statement = statement.where(sessions.c.create_time < wanted.end_time)
    rows = await connection.execute(statement.order_by(sessions.c.session_id.desc()).limit(limit))
    return [tables.to(Session, row) for row in rows]


async def read_window(connection: Connection, *, session: Session, end: int) -> Window | None:
    """Return the 256 KiB of a session's output before an offset; None when they are there no more."""
    of_session = events.c.session_id == session.session_id
    output = select(*queries.RECORD_COLUMNS).where(
        of_session, events.c.type == RecordType.OUTPUT, events.c.offset < end, events.c.offset >= end - PAGE_BYTES
    )
    records = [
        queries.record_of(row) for row in await connection.execute(output.order_by(events.c.offset, events.c.sequence))
    ]
    if not records:
        return None
    return Window(session, records, end, await _sizes(connection, session) if session.has_terminal else [])


async def _sizes(connection: Connection, session: Session) -> list[tuple[int, int]]:
    resizes = select(events.c.offset, events.c.columns).where(
        events.c.session_id == session.session_id, events.c.type == RecordType.RESIZE
    )
    later = (await connection.execute(resizes.order_by(events.c.sequence.desc()).limit(SIZES))).all()
    first = await connection.execute(select(heads.c.begin_columns).where(heads.c.session_id == session.session_id))
    return [(0, first.scalar_one()), *((row.offset, row.columns) for row in reversed(later))]
