"""Writes of sessions, and reads by id."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.session.sessions.domain import Session, State
from services.session.sessions.errors import SessionNotFound
from services.session.sessions.tables import controls, heads, idleness, sessions

FIRST_LOOK = timedelta(seconds=1)
"""After which a new session is looked at for the first time, whether it is idle: then its processor time is known."""

_OF_HEAD = {"title", "output_bytes", "last_activity_time"}
_COLUMNS = [sessions.c[field.name] for field in fields(Session) if field.name not in _OF_HEAD]


def selected() -> Select[tuple[object, ...]]:
    """Return the statement that reads sessions with what their logs say of them."""
    of_head = (heads.c.title, heads.c.head_offset.label("output_bytes"), heads.c.last_activity_time)
    return select(*_COLUMNS, *of_head).join(heads, heads.c.session_id == sessions.c.session_id)


async def insert_session(connection: Connection, session: Session, *, copier_process: int, due: datetime) -> None:
    """Store a new session with an empty log, copied by a process, and nobody in control."""
    await connection.execute(insert(sessions).values(**_row(session), reconcile_time=due))
    key = {"session_id": session.session_id, "account_id": session.account_id}
    head = {"head_sequence": 0, "head_offset": 0, "copier_epoch": 1, "copier_process": copier_process}
    facts = {"title": session.title, "last_activity_time": session.last_activity_time}
    await connection.execute(insert(heads).values(**key, **head, **facts))
    await connection.execute(insert(controls).values(**key, lease_epoch=0))
    watched = {"cpu_time": session.create_time, "reconcile_time": session.create_time + FIRST_LOOK}
    await connection.execute(insert(idleness).values(**key, **watched, reconcile_epoch=0, reconcile_attempts=0))


async def update_session(connection: Connection, session: Session, *, due: datetime | None) -> None:
    """Store a changed session; `due` is when the reconciler looks at it next, beside its time limit.

    Claims of before are void. Once it has ended, what the runner has of it is due to be stored and dropped.
    """
    statement = update(sessions).where(sessions.c.session_id == session.session_id)
    reconcile = {
        "reconcile_time": _earlier(due, session),
        "reconcile_epoch": sessions.c.reconcile_epoch + 1,
        "reconcile_attempts": 0,
    }
    await connection.execute(statement.values(**_row(session), **reconcile))
    if session.state.final:
        head = update(heads).where(heads.c.session_id == session.session_id)
        await connection.execute(head.values(reconcile_time=session.end_time))
        await connection.execute(delete(idleness).where(idleness.c.session_id == session.session_id))


async def update_details(connection: Connection, session: Session) -> None:
    """Store a session of which people say something else; what is being done to it goes on."""
    statement = update(sessions).where(sessions.c.session_id == session.session_id)
    await connection.execute(statement.values(**_row(session)))


async def get_states(connection: Connection, session_ids: Sequence[UUID]) -> dict[UUID, State]:
    """Return the states of those of the sessions that the account has."""
    statement = select(sessions.c.session_id, sessions.c.state).where(sessions.c.session_id.in_(session_ids))
    return {row.session_id: row.state for row in await connection.execute(statement)}


async def note_activity(connection: Connection, session_ids: Sequence[UUID], now: datetime) -> None:
    """Note that something works in sessions, to the second; locks are taken in one order by all who do."""
    second = now.replace(microsecond=0)
    older = heads.c.session_id.in_(session_ids) & (heads.c.last_activity_time < second)
    due = select(heads.c.session_id).where(older).order_by(heads.c.session_id).with_for_update().cte("due")
    statement = update(heads).where(heads.c.session_id.in_(select(due.c.session_id)))
    await connection.execute(statement.values(last_activity_time=second))


async def get_session(connection: Connection, session_id: UUID) -> Session:
    """Return a session of the account. SessionNotFound."""
    return await _session(connection, selected().where(sessions.c.session_id == session_id), session_id)


async def lock_session(connection: Connection, session_id: UUID) -> Session:
    """Return a session of the account and hold its row until the transaction ends. SessionNotFound."""
    statement = selected().where(sessions.c.session_id == session_id).with_for_update(of=sessions)
    return await _session(connection, statement, session_id)


async def count_live(connection: Connection, account_id: UUID) -> int:
    """Return how many sessions of the account live; rivals that count wait until this transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('live sessions ' || :account_id, 0))")
    await connection.execute(lock, {"account_id": str(account_id)})
    live = (sessions.c.account_id == account_id) & sessions.c.end_time.is_(None)
    return int((await connection.execute(select(func.count()).where(live))).scalar_one())


async def _session(connection: Connection, statement: Select[tuple[object, ...]], session_id: UUID) -> Session:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise SessionNotFound(session_id)
    return tables.to(Session, row)


def _earlier(due: datetime | None, session: Session) -> datetime | None:
    """Return when a session is due: at its time limit at the latest, once it runs."""
    limit = session.expire_time if session.state.runs and session.stop_request is None else None
    return min((instant for instant in (due, limit) if instant is not None), default=None)


def _row(session: Session) -> dict[str, object]:
    return {name: value for name, value in tables.row_of(session).items() if name not in _OF_HEAD}
