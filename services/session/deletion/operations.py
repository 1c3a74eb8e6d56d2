"""Deletion, its undoing, and its end."""

from datetime import timedelta
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.session.deletion import store
from services.session.editors.store import open_buffers
from services.session.sessions import operations as session_operations
from services.session.sessions.domain import Session, StopReason
from services.session.sessions.errors import SessionNotEnded
from services.session.sessions.store import session_store

RECORDS = 1000
"""Records of a log that one transaction removes."""


async def delete_session(tx: Transaction, *, session_id: UUID, etag: str, force: bool, retention: timedelta) -> Session:
    """Delete a session, to be purged after `retention`. With `force` one that lives is ended, by the reconciler.

    Raises:
        SessionNotFound: no such session, or deleted already.
        EtagMismatch: it changed since it was read.
        SessionNotEnded: it lives, and `force` is not set.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    current.expect_kept()
    if not current.state.final:
        if not force:
            raise SessionNotEnded(session_id)
        current = await session_operations.request_stop(tx, session_id=session_id, reason=StopReason.TERMINATED)
    deleted = current.delete(tx.now, UUID(tx.actor.subject), retention)
    await session_store.update_details(tx.connection, deleted)
    await store.insert_purge(tx.connection, deleted)
    tx.record("deleted", before=current, after=deleted)
    return deleted


async def undelete_session(tx: Transaction, *, session_id: UUID, etag: str) -> Session:
    """Bring a deleted session back. SessionNotFound, EtagMismatch, SessionNotDeleted."""
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    kept = current.undelete(tx.now)
    await session_store.update_details(tx.connection, kept)
    await store.delete_purge(tx.connection, session_id)
    tx.record("undeleted", before=current, after=kept)
    return kept


async def purge_session(tx: Transaction, *, session_id: UUID) -> bool:
    """Make an end of a deleted session: from now on there is none. Its log, which may be large, is still to go.

    Returns:
        Whether it is gone: not if it was brought back, or lives, or its runner still has some of its output, or it has
        unsaved text, which only a person discards.

    Raises:
        SessionNotFound: that was done.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    if current.purge_time is None or current.purge_time > tx.now or not current.state.final:
        return False
    if not await store.is_released(tx.connection, session_id) or await open_buffers(tx.connection, session_id):
        return False
    await store.remove_session(tx.connection, session_id)
    tx.record("purged", before=current)
    return True


async def purge_records(tx: Transaction, *, session_id: UUID) -> bool:
    """Remove records of a purged session; returns whether none is left, and with that its purge is over."""
    is_over = await store.remove_records(tx.connection, session_id, RECORDS) < RECORDS
    if is_over:
        await store.delete_purge(tx.connection, session_id)
    return is_over
