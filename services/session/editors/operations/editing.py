"""Opening, editing and closing."""

from collections.abc import Sequence
from uuid import UUID

from stateroom.session.v1.editor_pb2 import EditorEvent

from chassis import ids, retention
from chassis.database import Transaction
from services.session.editors import journal, store
from services.session.editors.domain import Buffer, Cursor, Edit, Place, apply, edits_of
from services.session.editors.errors import BufferLimitReached
from services.session.sessions.store import session_store

MAXIMUM_BUFFERS = 500
"""Buffers an account may have that are not closed."""
KEPT = 2 * retention.KEPT
"""How long a closed buffer is remembered, without its text: longer than its call can be repeated."""


async def open_buffer(tx: Transaction, *, place: Place, text: str, etag: str) -> Buffer:
    """Open a file as it was read; one that is open in the session stays as it is.

    Raises:
        SessionNotFound, NoEditor, SessionNotActive: there is no editor to open it in.
        BufferLimitReached: the account has as many as it may have.
    """
    session = await journal.lock_session(tx, place.session_id)
    opened = await store.find_open(tx.connection, place.session_id, place.path)
    if opened is not None:
        return opened
    await store.delete_closed(tx.connection, tx.now - KEPT)
    if await store.count_buffers(tx.connection, tx.account_id) >= MAXIMUM_BUFFERS:
        raise BufferLimitReached(MAXIMUM_BUFFERS)
    buffer = Buffer.open(tx.now, ids.new(), tx.account_id, place, text.encode(), etag)
    await store.insert_buffer(tx.connection, buffer, text)
    await journal.tell(tx, session, buffer, EditorEvent(type=EditorEvent.OPENED, file_etag=etag))
    tx.record("opened", after=buffer)
    return buffer


async def edit_buffer(
    tx: Transaction, *, buffer_id: UUID, base: int, text: str | None, edits: Sequence[Edit]
) -> Buffer:
    """Change a text: to another one, or by edits. No change event: the log has it, and the buffer what it led to.

    Raises:
        BufferNotFound, BufferClosed, SessionNotActive: it cannot be edited.
        BufferChanged: somebody was faster.
        InvalidField, BufferTooLarge: the edits fit no such text, or lead to one that is too large.
    """
    session, current = await journal.lock_buffer(tx, buffer_id)
    current.expect_revision(base)
    before = await store.get_text(tx.connection, buffer_id)
    edits = edits_of(before, text, edits)
    after = apply(before, edits)
    edited = current.edit(tx.now, after)
    await store.update_buffer(tx.connection, edited, after)
    ranges = [EditorEvent.Range(start=edit.start, end=edit.end, length=len(edit.text)) for edit in edits]
    await journal.tell(tx, session, edited, EditorEvent(type=EditorEvent.EDITED, ranges=ranges))
    return edited


async def close_buffer(tx: Transaction, *, buffer_id: UUID, discard: bool) -> Buffer:
    """Close a buffer, in a session that has ended too; a closed one stays as it is. BufferNotFound, BufferUnsaved."""
    session, current = await journal.hold_buffer(tx, buffer_id)
    closed = current.close(tx.now, discard=discard)
    if closed is current:
        return current
    await store.update_buffer(tx.connection, closed)
    await store.delete_cursors(tx.connection, current.session_id, buffer_id)
    await journal.tell(tx, session, closed, EditorEvent(type=EditorEvent.CLOSED, discarded=current.unsaved))
    tx.record("discarded" if current.unsaved else "closed", before=current, after=closed)
    return closed


async def move_cursor(tx: Transaction, *, buffer_id: UUID, device: str, person: str, anchor: int, head: int) -> None:
    """Note where a device is, which is work in the session. BufferNotFound, BufferClosed, SessionNotActive."""
    buffer = await store.get_buffer(tx.connection, buffer_id)
    buffer.expect_open()
    session = await session_store.get_session(tx.connection, buffer.session_id)
    session.expect_running()
    cursor = Cursor(
        session_id=buffer.session_id,
        subject=tx.actor.subject,
        device=device,
        account_id=tx.account_id,
        buffer_id=buffer_id,
        person=person,
        anchor=anchor,
        head=head,
        move_time=tx.now,
    )
    await store.put_cursor(tx.connection, cursor)
    await session_store.note_activity(tx.connection, [buffer.session_id], tx.now)
    await store.tell(tx.connection, buffer.session_id)
