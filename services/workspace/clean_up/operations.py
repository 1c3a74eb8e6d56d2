"""Changes that nobody asks for by name: workspaces whose time has come."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.database import Transaction
from services.workspace.saves import operations as save_operations
from services.workspace.saves import store as save_store
from services.workspace.saves.domain import expect_saved
from services.workspace.workspaces import store
from services.workspace.workspaces.domain import State, Workspace
from services.workspace.workspaces.errors import WorkspaceBusy, WorkspaceNotArchived, WorkspaceNotDeleted


async def clean_up_workspace(tx: Transaction, *, workspace_id: UUID, before: datetime) -> Workspace:
    """Delete an archived workspace that has not changed since `before`. Its files stay until it is purged.

    Raises:
        WorkspaceNotFound, WorkspaceNotArchived: somebody was faster.
        WorkspaceBusy: it changed meanwhile, or is still being put away.
        WorkspaceNotSaved: its work is in no complete save.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    if current.state is not State.ARCHIVED:
        raise WorkspaceNotArchived(workspace_id, current.state.name)
    await _expect_unchanged(tx, current, current.update_time, before)
    deleted = current.delete(tx.now)
    await store.update_workspace(tx.connection, deleted, due=tx.now)
    tx.record("deleted", before=current, after=deleted)
    return deleted


async def purge_workspace(tx: Transaction, *, workspace_id: UUID, before: datetime, keep: timedelta) -> Workspace:
    """Make an end of a workspace that was deleted before `before`: nobody sees it any more, and its directory goes.

    Its saves are kept for a while, so that what was in it can still be restored.

    Raises:
        WorkspaceNotFound, WorkspaceNotDeleted: somebody was faster.
        WorkspaceBusy: it changed meanwhile, or is still being put away.
        WorkspaceNotSaved: its work is in no complete save.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    purged = current.purge(tx.now)
    if current.delete_time is None:
        raise WorkspaceNotDeleted(workspace_id, current.state.name)
    await _expect_unchanged(tx, current, current.delete_time, before)
    await store.update_workspace(tx.connection, purged, due=tx.now)
    await save_operations.retire_saves(tx, workspace_id=workspace_id, expire_time=tx.now + keep)
    tx.record("purged", before=current, after=purged)
    return purged


async def _expect_unchanged(tx: Transaction, workspace: Workspace, since: datetime, before: datetime) -> None:
    if since >= before or not await store.is_at_rest(tx.connection, workspace.workspace_id):
        raise WorkspaceBusy(workspace.workspace_id)
    expect_saved(workspace, await save_store.find_current(tx.connection, workspace.workspace_id))
