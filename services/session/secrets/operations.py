"""What changes when a secret is masked: its name is known."""

from uuid import UUID

from chassis.database import Transaction
from services.session.sessions.domain import Session
from services.session.sessions.store import session_store


async def note_secret(tx: Transaction, *, session_id: UUID, name: str) -> Session:
    """Note that a secret is masked in a live session. SessionNotFound, SessionNotActive, SecretLimitReached."""
    current = await session_store.lock_session(tx.connection, session_id)
    changed = current.add_secret(tx.now, name)
    await session_store.update_details(tx.connection, changed)
    tx.record("secret_registered", before=current, after=changed)
    return changed
