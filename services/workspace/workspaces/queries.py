"""Reads of workspaces."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.workspace.workspaces import store
from services.workspace.workspaces.domain import ENDING, State, Workspace
from services.workspace.workspaces.tables import workspaces


async def get_workspace(connection: Connection, *, workspace_id: UUID) -> Workspace:
    """Return a workspace of the account, deleted ones too until they are purged. WorkspaceNotFound."""
    return await store.get_workspace(connection, workspace_id)


async def find_purged(connection: Connection, *, workspace_id: UUID) -> Workspace | None:
    """Return a workspace that nobody sees any more and whose directory is to go; None for any other."""
    return await store.find_purged(connection, workspace_id)


async def list_unchanged(connection: Connection, *, before: datetime, limit: int) -> list[Workspace]:
    """Return the account's workspaces that were archived, are at rest and have not changed since, the oldest first."""
    unchanged = (workspaces.c.state == State.ARCHIVED) & (workspaces.c.update_time < before)
    statement = select(*store.COLUMNS).where(unchanged, workspaces.c.reconcile_time.is_(None))
    rows = await connection.execute(statement.order_by(workspaces.c.update_time).limit(limit))
    return [tables.to(Workspace, row) for row in rows]


async def is_ending(connection: Connection, *, workspace_id: UUID) -> bool:
    """Whether a workspace is put away, and what ran in it is still being ended."""
    ending = workspaces.c.state.in_(ENDING) & workspaces.c.reconcile_time.is_not(None)
    found = await connection.execute(
        select(workspaces.c.workspace_id).where(workspaces.c.workspace_id == workspace_id, ending)
    )
    return found.one_or_none() is not None


async def list_workspaces(
    connection: Connection, *, state: State | None, name: str, show_deleted: bool, limit: int, after: UUID | None
) -> list[Workspace]:
    """Return the account's workspaces, newest first."""
    statement = select(*store.COLUMNS).where(workspaces.c.purge_time.is_(None))
    statement = statement.order_by(workspaces.c.workspace_id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(workspaces.c.state == state)
    elif not show_deleted:
        statement = statement.where(workspaces.c.state != State.DELETED)
    if name:
        statement = statement.where(workspaces.c.name == name)
    if after is not None:
        statement = statement.where(workspaces.c.workspace_id < after)
    return [tables.to(Workspace, row) for row in await connection.execute(statement)]
