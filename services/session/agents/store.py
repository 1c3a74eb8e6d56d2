"""Writes of turns and of requests for permission, and reads by id."""

from uuid import UUID

from sqlalchemy import insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.session.agents.domain import Permission, PermissionState, Turn, TurnState
from services.session.agents.tables import permissions, turns


async def insert_turn(connection: Connection, turn: Turn) -> None:
    """Store a new turn."""
    await connection.execute(insert(turns).values(**tables.row_of(turn)))


async def update_turn(connection: Connection, turn: Turn) -> None:
    """Store a changed turn."""
    await connection.execute(update(turns).where(turns.c.turn_id == turn.turn_id).values(**tables.row_of(turn)))


async def get_turn(connection: Connection, turn_id: UUID) -> Turn | None:
    """Return a turn of the account."""
    row = (await connection.execute(select(turns).where(turns.c.turn_id == turn_id))).one_or_none()
    return None if row is None else tables.to(Turn, row)


async def open_turns(connection: Connection, session_id: UUID) -> list[Turn]:
    """Return the turns of a session that have not ended."""
    live = (turns.c.session_id == session_id) & (turns.c.state != TurnState.ENDED)
    return [tables.to(Turn, row) for row in await connection.execute(select(turns).where(live))]


async def insert_permission(connection: Connection, permission: Permission) -> None:
    """Store a new request for permission."""
    await connection.execute(insert(permissions).values(**tables.row_of(permission)))


async def update_permission(connection: Connection, permission: Permission) -> None:
    """Store a changed request for permission."""
    same = permissions.c.permission_id == permission.permission_id
    await connection.execute(update(permissions).where(same).values(**tables.row_of(permission)))


async def get_permission(connection: Connection, permission_id: UUID) -> Permission | None:
    """Return a request for permission of the account."""
    found = await connection.execute(select(permissions).where(permissions.c.permission_id == permission_id))
    row = found.one_or_none()
    return None if row is None else tables.to(Permission, row)


async def pending_permissions(connection: Connection, session_id: UUID) -> list[Permission]:
    """Return the requests of a session that nobody answered."""
    pending = (permissions.c.session_id == session_id) & (permissions.c.state == PermissionState.PENDING)
    return [tables.to(Permission, row) for row in await connection.execute(select(permissions).where(pending))]
