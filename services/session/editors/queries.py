"""Reads of buffers and cursors."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.session.editors import store
from services.session.editors.domain import Buffer, Cursor
from services.session.editors.errors import BufferNotFound
from services.session.editors.tables import buffers, cursors

SHOWN = timedelta(minutes=2)
"""How long a cursor that does not move is shown: whoever left said nothing."""


async def get_buffer(connection: Connection, *, buffer_id: UUID) -> Buffer:
    """Return a buffer. BufferNotFound."""
    return await store.get_buffer(connection, buffer_id)


async def read_buffer(connection: Connection, *, buffer_id: UUID) -> tuple[Buffer, str]:
    """Return a buffer and its text, of one moment. BufferNotFound."""
    statement = select(*store.COLUMNS, buffers.c.text).where(buffers.c.buffer_id == buffer_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise BufferNotFound(buffer_id)
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
    content = str(values.pop("text"))
    return Buffer(**values), content


async def list_buffers(  # its filters
    connection: Connection,
    *,
    session_id: UUID | None,
    workspace_id: UUID | None,
    unsaved: bool,
    limit: int,
    after: UUID | None,
) -> list[Buffer]:
    """Return the account's buffers that are not closed, newest first."""
    statement = select(*store.COLUMNS).where(buffers.c.close_time.is_(None))
    for column, value in ((buffers.c.session_id, session_id), (buffers.c.workspace_id, workspace_id)):
        if value is not None:
            statement = statement.where(column == value)
    if unsaved:
        statement = statement.where(buffers.c.unsaved)
    if after is not None:
        statement = statement.where(buffers.c.buffer_id < after)
    rows = await connection.execute(statement.order_by(buffers.c.buffer_id.desc()).limit(limit))
    return [tables.to(Buffer, row) for row in rows]


async def open_buffers(connection: Connection, *, session_id: UUID) -> list[Buffer]:
    """Return the buffers that are open in a session."""
    return await store.open_buffers(connection, session_id)


async def find_open(connection: Connection, *, session_id: UUID, path: str) -> Buffer | None:
    """Return the buffer of a path that is open in a session, if one is."""
    return await store.find_open(connection, session_id, path)


async def list_cursors(connection: Connection, *, session_id: UUID) -> list[Cursor]:
    """Return where devices are in a session."""
    recent = (cursors.c.session_id == session_id) & (cursors.c.move_time > datetime.now(UTC) - SHOWN)
    statement = select(*store.CURSOR_COLUMNS).where(recent).order_by(cursors.c.subject, cursors.c.device)
    return [tables.to(Cursor, row) for row in await connection.execute(statement)]
