"""Reads of saves."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.workspace.saves import store
from services.workspace.saves.domain import Save, State
from services.workspace.saves.errors import SaveNotFound
from services.workspace.saves.tables import saves


async def load_save(connection: Connection, *, save_id: UUID) -> Save:
    """Return a save of the account, a deleted one too. SaveNotFound."""
    return await store.load_save(connection, save_id)


async def get_save(connection: Connection, *, save_id: UUID) -> Save:
    """Return a save of the account. SaveNotFound."""
    save = await store.load_save(connection, save_id)
    if save.state is State.DELETED:
        raise SaveNotFound(save_id)
    return save


async def find_current(connection: Connection, *, workspace_id: UUID) -> Save | None:
    """Return the newest save of a workspace's directory as it is now, whatever became of the save; None for none."""
    return await store.find_current(connection, workspace_id)


async def list_saves(
    connection: Connection, *, workspace_id: UUID | None, workspace_name: str, limit: int, after: UUID | None
) -> list[Save]:
    """Return the account's saves, newest first."""
    statement = select(*store.COLUMNS).where(saves.c.state != State.DELETED)
    if workspace_id is not None:
        statement = statement.where(saves.c.workspace_id == workspace_id)
    if workspace_name:
        statement = statement.where(saves.c.workspace_name == workspace_name)
    if after is not None:
        statement = statement.where(saves.c.save_id < after)
    rows = await connection.execute(statement.order_by(saves.c.save_id.desc()).limit(limit))
    return [tables.to(Save, row) for row in rows]
