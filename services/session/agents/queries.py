"""Lists of turns and of requests for permission, and the records of an agent's log."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.session.agents.domain import Permission, PermissionState, Turn
from services.session.agents.tables import permissions, turns


async def list_turns(connection: Connection, *, session_id: UUID, limit: int, before: int | None) -> list[Turn]:
    """Return what was asked of the agent of a session, newest first."""
    statement = select(turns).where(turns.c.session_id == session_id).order_by(turns.c.sequence.desc()).limit(limit)
    if before is not None:
        statement = statement.where(turns.c.sequence < before)
    return [tables.to(Turn, row) for row in await connection.execute(statement)]


async def list_permissions(
    connection: Connection, *, session_id: UUID, state: PermissionState | None, limit: int, before: int | None
) -> list[Permission]:
    """Return what the agent of a session asked permission for, newest first."""
    of_session = select(permissions).where(permissions.c.session_id == session_id)
    statement = of_session.order_by(permissions.c.sequence.desc()).limit(limit)
    if state is not None:
        statement = statement.where(permissions.c.state == state)
    if before is not None:
        statement = statement.where(permissions.c.sequence < before)
    return [tables.to(Permission, row) for row in await connection.execute(statement)]
