"""Counts of sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from chassis.sql import Connection
from services.session.sessions.domain import State
from services.session.sessions.spec import Kind
from services.session.sessions.tables import sessions

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Count:
    """Sessions of one kind in one state. `new_ended` are those of the last week that ended, after `lifetime` in all."""

    kind: Kind
    state: State
    total: int
    ended_last_day: int
    new_ended: int
    lifetime: timedelta


async def count_sessions(connection: Connection, *, workspace_id: UUID | None) -> list[Count]:
    """Return the counts of the account's sessions, or of one workspace's, without deleted ones and those that are 0."""
    now = datetime.now(UTC)
    new = sessions.c.create_time > now - _WEEK
    lifetime = func.coalesce(func.sum(sessions.c.end_time - sessions.c.create_time).filter(new), timedelta())
    statement = (
        select(
            sessions.c.kind,
            sessions.c.state,
            func.count().label("total"),
            func.count().filter(sessions.c.end_time > now - _DAY).label("ended_last_day"),
            func.count(sessions.c.end_time).filter(new).label("new_ended"),
            lifetime.label("lifetime"),
        )
        .where(sessions.c.delete_time.is_(None))
        .group_by(sessions.c.kind, sessions.c.state)
        .order_by(sessions.c.kind, sessions.c.state)
    )
    if workspace_id is not None:
        statement = statement.where(sessions.c.workspace_id == workspace_id)
    return [Count(**row._mapping) for row in await connection.execute(statement)]  # noqa: SLF001  # SQLAlchemy's name
