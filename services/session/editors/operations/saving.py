"""Between a buffer and its file: what is about to be written, what was, and what somebody else wrote."""

from uuid import UUID

from stateroom.session.v1.editor_pb2 import EditorEvent

from chassis.database import Transaction
from services.session.editors import journal, store
from services.session.editors.domain import Buffer, FileState, Outside
from services.session.sessions.domain import Session

_OUTSIDE = {
    None: ("restored_outside", EditorEvent.RESTORED_OUTSIDE),
    Outside.CHANGED: ("changed_outside", EditorEvent.CHANGED_OUTSIDE),
    Outside.DELETED: ("deleted_outside", EditorEvent.DELETED_OUTSIDE),
}


async def begin_save(tx: Transaction, *, buffer_id: UUID) -> tuple[Buffer, str] | None:
    """Note that a text is about to be written, and return it; None while nobody knows how an earlier save ended.

    Raises:
        BufferNotFound, BufferClosed, SessionNotActive: it cannot be saved.
    """
    _, current = await journal.lock_buffer(tx, buffer_id)
    if current.saving_time is not None:
        return None
    saving = current.begin_save(tx.now)
    await store.update_buffer(tx.connection, saving)
    tx.record("save_started", before=current, after=saving)
    return saving, await store.get_text(tx.connection, buffer_id)


async def finish_save(tx: Transaction, *, buffer_id: UUID, etag: str, digest: bytes) -> Buffer:
    """Note that a text of the buffer is in the file. Whoever wrote it knows, whatever became of the session."""
    session, current = await journal.hold_buffer(tx, buffer_id)
    if current.file_etag == etag:  # it took so long that a look found out before
        return current
    return await _saved(tx, session, current, current.saved(tx.now, etag, digest))


async def fail_save(tx: Transaction, *, buffer_id: UUID) -> Buffer:
    """Note that the text was refused, and the file is as it was."""
    _, current = await journal.hold_buffer(tx, buffer_id)
    failed = current.fail_save(tx.now)
    await store.update_buffer(tx.connection, failed)
    tx.record("save_failed", before=current, after=failed)
    return failed


async def meet_file(tx: Transaction, *, known: Buffer, found: FileState) -> Buffer | None:
    """Note what a look at the file of a buffer found, once; a text of ours that is there counts as saved.

    None when that is outdated, or may be in a moment: somebody saves, or more is known than in the buffer `known`.
    """
    session, current = await journal.hold_buffer(tx, known.buffer_id)
    if current.close_time is not None:
        return current
    if current.is_being_saved(tx.now) or not current.knows_file_as(known):
        return None
    met = current.meet(tx.now, found)
    if met is current:
        return current
    if met.file_sha256 != current.file_sha256:
        return await _saved(tx, session, current, met)
    await store.update_buffer(tx.connection, met)
    if (met.outside, met.outside_etag) == (current.outside, current.outside_etag):
        tx.record("touched_outside" if current.saving_time is None else "save_failed", before=current, after=met)
        return met
    recorded, type_ = _OUTSIDE[met.outside]
    etag = met.file_etag if met.outside is None else met.outside_etag
    await journal.tell(tx, session, met, EditorEvent(type=type_, file_etag=etag), by_somebody=False)
    tx.record(recorded, before=current, after=met)
    return met


async def revert_buffer(tx: Transaction, *, buffer_id: UUID, base: int, text: str, etag: str) -> Buffer:
    """Take the text of the file. BufferNotFound, BufferClosed, SessionNotActive, BufferChanged, BufferTooLarge."""
    session, current = await journal.lock_buffer(tx, buffer_id)
    current.expect_revision(base)
    reverted = current.revert(tx.now, text, etag)
    await store.update_buffer(tx.connection, reverted, text)
    await journal.tell(tx, session, reverted, EditorEvent(type=EditorEvent.REVERTED, file_etag=etag))
    tx.record("reverted", before=current, after=reverted)
    return reverted


async def _saved(tx: Transaction, session: Session, current: Buffer, saved: Buffer) -> Buffer:
    await store.update_buffer(tx.connection, saved)
    await journal.tell(tx, session, saved, EditorEvent(type=EditorEvent.SAVED, file_etag=saved.file_etag))
    tx.record("saved", before=current, after=saved)
    return saved
