"""Writes of workspaces, and reads by id."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, bindparam, delete, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.placement.tables import runners
from services.workspace.workspaces.domain import State, Workspace
from services.workspace.workspaces.errors import WorkspaceNameTaken, WorkspaceNotFound
from services.workspace.workspaces.tables import workspaces

COLUMNS = [workspaces.c[field.name] for field in fields(Workspace)]
"""The columns that make a Workspace; the others drive its reconciliation."""

_INSERT = insert(workspaces)
_NAMED = workspaces.c.workspace_id == bindparam("workspace_id")
_BY_ID = select(*COLUMNS).where(_NAMED, workspaces.c.purge_time.is_(None))
_LOCKED = _BY_ID.with_for_update()
_PURGED = select(*COLUMNS).where(_NAMED, workspaces.c.purge_time.is_not(None))
_HOLD = select(workspaces.c.version).where(_NAMED).with_for_update()
_FORGET = (delete(runners).where(runners.c.workspace_id == bindparam("workspace_id")), delete(workspaces).where(_NAMED))
_DELETED_TEAM = text("SELECT team_id FROM teams WHERE team_id = :account_id AND delete_time IS NOT NULL")
_LOCK_ACCOUNT = text("SELECT pg_advisory_xact_lock(hashtextextended('workspaces:' || :account_id, 0))")


async def insert_workspace(connection: Connection, workspace: Workspace) -> None:
    """Store a new workspace, due for reconciliation. WorkspaceNameTaken."""
    values = tables.row_of(workspace) | {
        "reconcile_time": workspace.create_time,
        "reconcile_epoch": 0,
        "reconcile_attempts": 0,
    }
    with _naming(workspace):
        await connection.execute(_INSERT, values)


async def update_workspace(connection: Connection, workspace: Workspace, *, due: datetime | None) -> None:
    """Store a changed workspace; `due` is when the reconciler looks at it next. Claims of before are void.

    WorkspaceNameTaken when it comes back and its name is another's by now.
    """
    statement = update(workspaces).where(workspaces.c.workspace_id == workspace.workspace_id)
    reconcile = {"reconcile_time": due, "reconcile_epoch": workspaces.c.reconcile_epoch + 1, "reconcile_attempts": 0}
    with _naming(workspace):
        await connection.execute(statement.values(**tables.row_of(workspace), **reconcile))


async def update_details(connection: Connection, workspace: Workspace) -> None:
    """Store a workspace that is called or described otherwise; what is being done to it goes on. WorkspaceNameTaken."""
    statement = update(workspaces).where(workspaces.c.workspace_id == workspace.workspace_id)
    with _naming(workspace):
        await connection.execute(statement.values(**tables.row_of(workspace)))


async def make_due(connection: Connection, workspace_id: UUID, due: datetime) -> None:
    """Have the reconciler look at a workspace, unless it will anyway."""
    at_rest = (workspaces.c.workspace_id == workspace_id) & workspaces.c.reconcile_time.is_(None)
    await connection.execute(update(workspaces).where(at_rest).values(reconcile_time=due))


async def is_at_rest(connection: Connection, workspace_id: UUID) -> bool:
    """Whether the reconciler has done what the workspace's row asks for."""
    statement = select(workspaces.c.reconcile_time.is_(None)).where(workspaces.c.workspace_id == workspace_id)
    return bool((await connection.execute(statement)).scalar_one())


async def update_progress(connection: Connection, workspace_id: UUID, *, step: str, percent: int) -> None:
    """Store how far a creation is. Progress is not a change of the resource: no version, no event."""
    statement = update(workspaces).where(
        workspaces.c.workspace_id == workspace_id, workspaces.c.state == State.CREATING
    )
    await connection.execute(statement.values(progress_step=step, progress_percent=percent))


async def update_unsaved(connection: Connection, workspace_id: UUID, reason: str) -> None:
    """Store why a workspace that was put away could not be saved; empty when it was. No version, as with progress."""
    put_away = workspaces.c.state.in_((State.ARCHIVED, State.DELETED))
    statement = update(workspaces).where(workspaces.c.workspace_id == workspace_id, put_away)
    await connection.execute(statement.values(unsaved_reason=reason))


async def get_workspace(connection: Connection, workspace_id: UUID) -> Workspace:
    """Return a workspace of the account, deleted ones too until they are purged. WorkspaceNotFound."""
    return await _workspace(connection, _BY_ID, workspace_id)


async def lock_workspace(connection: Connection, workspace_id: UUID) -> Workspace:
    """Return a workspace and hold its row until the transaction ends. WorkspaceNotFound."""
    return await _workspace(connection, _LOCKED, workspace_id)


async def hold_workspace(connection: Connection, workspace: Workspace) -> bool:
    """Keep a workspace, purged or not, as it is until the transaction ends. Returns whether it is as it was read."""
    held = await connection.execute(_HOLD, {"workspace_id": workspace.workspace_id})
    return held.scalar_one_or_none() == workspace.version


async def find_purged(connection: Connection, workspace_id: UUID) -> Workspace | None:
    """Return a workspace that nobody sees any more and whose directory is to go; None for any other."""
    row = (await connection.execute(_PURGED, {"workspace_id": workspace_id})).one_or_none()
    return None if row is None else tables.to(Workspace, row)


async def forget_workspace(connection: Connection, workspace_id: UUID) -> None:
    """Remove the row of a workspace of which nothing is left."""
    for statement in _FORGET:
        await connection.execute(statement, {"workspace_id": workspace_id})


async def count_live(connection: Connection, account_id: UUID) -> int:
    """Return how many workspaces the account has open, after making rivals that would open one wait."""
    await connection.execute(_LOCK_ACCOUNT, {"account_id": str(account_id)})
    live = workspaces.c.state.in_((State.CREATING, State.ACTIVE))
    return int((await connection.execute(select(func.count()).select_from(workspaces).where(live))).scalar_one())


async def is_of_deleted_team(connection: Connection, account_id: UUID) -> bool:
    """Return whether the account is that of a team which is deleted."""
    found = await connection.execute(_DELETED_TEAM, {"account_id": account_id})
    return found.one_or_none() is not None


async def count_kept(connection: Connection, account_id: UUID) -> int:
    """Return how many workspaces the account has that are not deleted, after making rivals that would open one wait."""
    await connection.execute(_LOCK_ACCOUNT, {"account_id": str(account_id)})
    kept = workspaces.c.state != State.DELETED
    return int((await connection.execute(select(func.count()).select_from(workspaces).where(kept))).scalar_one())


async def _workspace(connection: Connection, statement: Executable, workspace_id: UUID) -> Workspace:
    row = (await connection.execute(statement, {"workspace_id": workspace_id})).one_or_none()
    if row is None:
        raise WorkspaceNotFound(workspace_id)
    return tables.to(Workspace, row)


@contextmanager
def _naming(workspace: Workspace) -> Iterator[None]:
    """Give a workspace its name. WorkspaceNameTaken."""
    try:
        yield
    except asyncpg.UniqueViolationError as exc:
        if exc.constraint_name != "uq_workspaces_name":
            raise
        raise WorkspaceNameTaken(workspace.name) from exc
