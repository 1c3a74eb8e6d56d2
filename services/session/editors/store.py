"""Writes of buffers and cursors, and reads by id."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chassis import tables
from chassis.sql import Connection
from services.session.bell import CHANNEL
from services.session.editors.domain import Buffer, Cursor
from services.session.editors.errors import BufferNotFound
from services.session.editors.tables import buffers, cursors

COLUMNS = [buffers.c[field.name] for field in fields(Buffer)]
"""The columns that make a Buffer; its text is not among them."""
CURSOR_COLUMNS = [cursors.c[field.name] for field in fields(Cursor)]
"""The columns that make a Cursor."""


async def insert_buffer(connection: Connection, buffer: Buffer, content: str) -> None:
    """Store a new buffer."""
    await connection.execute(insert(buffers).values(**tables.row_of(buffer), text=content))


async def update_buffer(connection: Connection, buffer: Buffer, content: str | None = None) -> None:
    """Store a changed buffer, with another text if there is one. One that was closed has none."""
    values = tables.row_of(buffer)
    if buffer.close_time is not None:
        values["text"] = ""
    elif content is not None:
        values["text"] = content
    await connection.execute(update(buffers).where(buffers.c.buffer_id == buffer.buffer_id).values(**values))


async def get_buffer(connection: Connection, buffer_id: UUID) -> Buffer:
    """Return a buffer of the account, closed ones too. BufferNotFound."""
    return await _buffer(connection, _selected(buffer_id), buffer_id)


async def lock_buffer(connection: Connection, buffer_id: UUID) -> Buffer:
    """Return a buffer and hold its row until the transaction ends. BufferNotFound."""
    return await _buffer(connection, _selected(buffer_id).with_for_update(), buffer_id)


async def get_text(connection: Connection, buffer_id: UUID) -> str:
    """Return the text of a buffer that is there."""
    found = await connection.execute(select(buffers.c.text).where(buffers.c.buffer_id == buffer_id))
    return str(found.scalar_one())


async def find_open(connection: Connection, session_id: UUID, path: str) -> Buffer | None:
    """Return the buffer of a path that is open in a session, if one is."""
    found = await open_buffers(connection, session_id, path)
    return found[0] if found else None


async def open_buffers(connection: Connection, session_id: UUID, path: str | None = None) -> list[Buffer]:
    """Return the buffers that are open in a session, or were when it ended."""
    statement = select(*COLUMNS).where(buffers.c.session_id == session_id, buffers.c.close_time.is_(None))
    if path is not None:
        statement = statement.where(func.md5(buffers.c.path) == func.md5(path), buffers.c.path == path)
    return [tables.to(Buffer, row) for row in await connection.execute(statement.order_by(buffers.c.buffer_id))]


async def count_buffers(connection: Connection, account_id: UUID) -> int:
    """Return how many buffers of the account are not closed; rivals that count wait until this transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('editor buffers ' || :account_id, 0))")
    await connection.execute(lock, {"account_id": str(account_id)})
    mine = (buffers.c.account_id == account_id) & buffers.c.close_time.is_(None)
    return int((await connection.execute(select(func.count()).where(mine))).scalar_one())


async def delete_closed(connection: Connection, before: datetime) -> None:
    """Forget the account's buffers that were closed before an instant."""
    await connection.execute(delete(buffers).where(buffers.c.close_time < before))


async def put_cursor(connection: Connection, cursor: Cursor) -> None:
    """Store where a device is now."""
    row = tables.row_of(cursor)
    put = insert(cursors).values(**row)
    await connection.execute(put.on_conflict_do_update(constraint="pk_editor_cursors", set_=row))


async def delete_cursors(connection: Connection, session_id: UUID, buffer_id: UUID | None = None) -> None:
    """Forget where devices are in a session, or in one buffer of it."""
    statement = delete(cursors).where(cursors.c.session_id == session_id)
    await connection.execute(statement if buffer_id is None else statement.where(cursors.c.buffer_id == buffer_id))


async def tell(connection: Connection, session_id: UUID) -> None:
    """Let those who follow an editor know, once the transaction commits, that there is something new."""
    await connection.execute(select(func.pg_notify(CHANNEL, str(session_id))))


def _selected(buffer_id: UUID) -> Select[tuple[object, ...]]:
    return select(*COLUMNS).where(buffers.c.buffer_id == buffer_id)


async def _buffer(connection: Connection, statement: Select[tuple[object, ...]], buffer_id: UUID) -> Buffer:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise BufferNotFound(buffer_id)
    return tables.to(Buffer, row)
