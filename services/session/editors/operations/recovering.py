"""What becomes of buffers when their session ends, and afterwards."""

from uuid import UUID

from stateroom.session.v1.editor_pb2 import EditorEvent

from chassis.database import Transaction
from services.session.editors import journal, store
from services.session.editors.domain import Buffer
from services.session.editors.errors import BufferAlreadyOpen, BufferInUse
from services.session.sessions.domain import Session
from services.session.sessions.log import Copy
from services.session.sessions.store import session_store


async def recover_buffer(tx: Transaction, *, buffer_id: UUID, session_id: UUID) -> Buffer:
    """Bring a buffer of a session that has ended into one that lives.

    Raises:
        SessionNotFound, NoEditor, SessionNotActive: there is no such editor to bring it into.
        BufferNotFound, BufferClosed, BufferInUse: there is no such buffer, or nothing to recover.
        BufferAlreadyOpen: the editor has its path open.
    """
    target = await journal.lock_session(tx, session_id)
    current = await store.lock_buffer(tx.connection, buffer_id)
    current.expect_open()
    if not (await session_store.get_session(tx.connection, current.session_id)).state.final:
        raise BufferInUse(buffer_id, current.session_id)
    return await _move(tx, current, target)


async def take_over(tx: Transaction, begun: Session) -> None:
    """Bring all that an ended session left unsaved into the one that was opened like it."""
    if begun.restarted_from is not None:
        for buffer in await store.open_buffers(tx.connection, begun.restarted_from):
            await _move(tx, await store.lock_buffer(tx.connection, buffer.buffer_id), begun)


async def leave(tx: Transaction, ended: Session, _: Copy) -> list[Session]:
    """Close the buffers of a session that ends which equal their files; the others stay."""
    for buffer in await store.open_buffers(tx.connection, ended.session_id):
        if not buffer.unsaved:
            closed = buffer.close(tx.now, discard=False)
            await store.update_buffer(tx.connection, closed)
            tx.record("closed", before=buffer, after=closed)
    await store.delete_cursors(tx.connection, ended.session_id)
    await store.tell(tx.connection, ended.session_id)
    return []


async def _move(tx: Transaction, current: Buffer, target: Session) -> Buffer:
    other = await store.find_open(tx.connection, target.session_id, current.path)
    if other is not None:
        raise BufferAlreadyOpen(current.path, other.buffer_id)
    moved = current.move(tx.now, target.session_id, target.workspace_id)
    await store.update_buffer(tx.connection, moved)
    await journal.tell(tx, target, moved, EditorEvent(type=EditorEvent.RECOVERED))
    tx.record("recovered", before=current, after=moved)
    return moved
