"""What is to be purged, and its removal."""

from uuid import UUID

from sqlalchemy import delete, insert, select

from chassis.sql import Connection
from services.session.agents.tables import permissions, turns
from services.session.deletion.tables import purges
from services.session.editors.tables import cursors
from services.session.sessions.domain import Session
from services.session.sessions.tables import attachments, controls, events, heads, idleness, screens, sessions
from services.session.sharing.tables import share_links, tickets

_OF_SESSIONS = (permissions, turns, share_links, attachments, controls, cursors, screens, idleness, heads, sessions)
"""Tables with a few rows of a session each; the session's own row goes last."""


async def insert_purge(connection: Connection, session: Session) -> None:
    """Note that a session is to be purged when its time is up."""
    due = {"reconcile_time": session.purge_time, "reconcile_epoch": 0, "reconcile_attempts": 0}
    await connection.execute(insert(purges).values(session_id=session.session_id, account_id=session.account_id, **due))


async def delete_purge(connection: Connection, session_id: UUID) -> None:
    """Note that nothing of a session is to be purged, or nothing is left."""
    await connection.execute(delete(purges).where(purges.c.session_id == session_id))


async def is_released(connection: Connection, session_id: UUID) -> bool:
    """Return whether the runner has nothing of an ended session any more."""
    statement = select(heads.c.reconcile_time).where(heads.c.session_id == session_id)
    return (await connection.execute(statement)).scalar_one() is None


async def remove_session(connection: Connection, session_id: UUID) -> None:
    """Remove all there is of a session but its log."""
    links = select(share_links.c.share_link_id).where(share_links.c.session_id == session_id)
    await connection.execute(delete(tickets).where(tickets.c.share_link_id.in_(links)))
    for table in _OF_SESSIONS:
        await connection.execute(delete(table).where(table.c.session_id == session_id))


async def remove_records(connection: Connection, session_id: UUID, count: int) -> int:
    """Remove the first records of a log, at most `count`; returns how many there were."""
    of_log = events.c.session_id == session_id
    first = select(events.c.sequence).where(of_log).order_by(events.c.sequence).limit(count)
    removed = delete(events).where(of_log, events.c.sequence.in_(first)).returning(events.c.sequence)
    return len((await connection.execute(removed)).all())
