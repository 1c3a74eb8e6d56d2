"""Reads of policies and of the work in sessions."""

from datetime import UTC, datetime
from uuid import UUID

from chassis import ids, tables
from chassis.sql import Connection
from services.session.idleness import store
from services.session.idleness.domain import IdlePolicy, Watched
from services.session.sessions.tables import sessions


async def policy_of(connection: Connection, *, account_id: UUID) -> IdlePolicy:
    """Return the policy of an account."""
    own = await store.find_policy(connection, account_id)
    return own or IdlePolicy.usual(ids.new(), account_id, datetime.now(UTC))


async def list_watched(connection: Connection) -> list[Watched]:
    """Return what is known of the account's sessions that live, oldest first."""
    rows = await connection.execute(store.watched().order_by(sessions.c.session_id))
    return [tables.to(Watched, row) for row in rows]


async def find_watched(connection: Connection, *, session_id: UUID) -> Watched | None:
    """Return what is known of a session that lives; None when it has ended."""
    return await store.find_watched(connection, session_id)
