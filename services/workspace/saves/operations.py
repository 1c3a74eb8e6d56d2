"""Changes of saves."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.workspace.saves import store
from services.workspace.saves.domain import Cause, Save, State, expect_saved
from services.workspace.saves.errors import SaveNotFound
from services.workspace.workspaces import operations as workspace_operations
from services.workspace.workspaces import store as workspace_store
from services.workspace.workspaces.domain import Workspace, WorkspaceSpec
from services.workspace.workspaces.errors import WorkspaceBusy, WorkspaceNotActive

AT_ONCE = timedelta(0)


async def create_save(tx: Transaction, *, workspace_id: UUID) -> Save:
    """Begin a save because somebody wants one; the reconciler takes it.

    Raises:
        WorkspaceNotFound: no such workspace.
        WorkspaceNotActive: it never was ready, so it has no directory.
    """
    workspace = await workspace_store.lock_workspace(tx.connection, workspace_id)
    if not workspace.sandbox:
        raise WorkspaceNotActive(workspace_id, workspace.state.name)
    return await _begin(tx, workspace, Cause.ON_DEMAND)


async def ensure_save(
    tx: Transaction, *, workspace: Workspace, cause: Cause, retry_after: timedelta | None = None
) -> Save:
    """Return the save of a directory in which nothing runs any more; begin one when there is none.

    Args:
        tx: of the workspace's account.
        workspace: put away, purged or not.
        cause: why one is begun.
        retry_after: the age from which a save that FAILED is no answer, None for never.

    Raises:
        WorkspaceBusy: it changed since it was read, so something may run in it by now.
    """
    if not await workspace_store.hold_workspace(tx.connection, workspace):
        raise WorkspaceBusy(workspace.workspace_id)
    current = await store.find_current(tx.connection, workspace.workspace_id)
    if current is not None:
        failed = current.state is State.FAILED and retry_after is not None
        if not failed or tx.now - current.update_time < (retry_after or AT_ONCE):
            return current
    return await _begin(tx, workspace, cause)


async def complete_save(tx: Transaction, *, save_id: UUID, facts: Mapping[str, object]) -> Save:
    """Remember that a save holds everything. One that is not being taken stays as it is."""
    current = await store.lock_save(tx.connection, save_id)
    if current.state is not State.SAVING:
        return current
    complete = current.complete(tx.now, facts)
    await store.update_save(tx.connection, complete, due=None)
    await _tell_workspace(tx, complete, "")
    tx.record("completed", before=current, after=complete)
    return complete


async def fail_save(tx: Transaction, *, save_id: UUID, reason: str) -> Save:
    """Remember that a save holds nothing, or not any more. A deleted one stays as it is."""
    current = await store.lock_save(tx.connection, save_id)
    if current.state is State.DELETED:
        return current
    failed = current.fail(tx.now, reason)
    await store.update_save(tx.connection, failed, due=None)
    await _tell_workspace(tx, failed, reason)
    tx.record("failed", before=current, after=failed)
    return failed


async def delete_save(tx: Transaction, *, save_id: UUID, etag: str) -> Save:
    """Delete a save for good; the reconciler removes what it holds.

    Raises:
        SaveNotFound: no such save, or deleted already.
        EtagMismatch: it changed since it was read.
        SaveNotComplete: it is being taken.
    """
    current = await store.lock_save(tx.connection, save_id)
    if current.state is State.DELETED:
        raise SaveNotFound(save_id)
    tags.expect(current, etag)
    deleted = current.delete(tx.now)
    await store.update_save(tx.connection, deleted, due=tx.now)
    tx.record("deleted", before=current, after=deleted)
    return deleted


async def retire_saves(tx: Transaction, *, workspace_id: UUID, expire_time: datetime) -> None:
    """Give the saves of a workspace that is purged the time at which they go."""
    for current in await store.lock_saves_of(tx.connection, workspace_id):
        retired = current.retire(tx.now, expire_time)
        await store.update_save(tx.connection, retired, due=tx.now if current.state is State.SAVING else None)
        tx.record("retired", before=current, after=retired)


async def restore_save(
    tx: Transaction, *, save_id: UUID, name: str, workspace_id: UUID | None, limit: int
) -> Workspace:
    """Have a directory made of what was saved.

    Args:
        tx: of the save's account.
        save_id: must be COMPLETE.
        name: of a new workspace; empty for that of the one that was saved.
        workspace_id: the archived workspace whose directory is replaced; None for a new one.
        limit: how many workspaces the account may have open.

    Raises:
        SaveNotFound: no such save.
        SaveNotComplete: it holds nothing.
        WorkspaceNameTaken, WorkspaceLimitReached: as for a new workspace.
        WorkspaceNotFound, WorkspaceNotArchived, WorkspaceBusy, WorkspaceNotSaved: that one cannot be replaced.
    """
    save = await store.lock_save(tx.connection, save_id)
    if save.state is State.DELETED:
        raise SaveNotFound(save_id)
    save.expect_complete()
    if workspace_id is not None:
        return await _replace(tx, save, workspace_id, limit)
    spec = WorkspaceSpec(name or save.workspace_name, "", {}, save.repository_url, save.branch, save_id)
    return await workspace_operations.create_workspace(tx, spec=spec, limit=limit)


async def _replace(tx: Transaction, save: Save, workspace_id: UUID, limit: int) -> Workspace:
    current = await workspace_store.lock_workspace(tx.connection, workspace_id)
    restored = current.restore(tx.now, save.save_id)
    await workspace_operations.expect_rest(tx, current)
    expect_saved(current, await store.find_current(tx.connection, workspace_id))
    await workspace_operations.expect_place(tx, limit)
    await workspace_store.update_workspace(tx.connection, restored, due=tx.now)
    tx.record("restored", before=current, after=restored)
    return restored


async def _tell_workspace(tx: Transaction, save: Save, unsaved_reason: str) -> None:
    """Have a workspace that is put away say whether its work is safe; a save on demand is not about that."""
    if save.cause is not Cause.ON_DEMAND:
        await workspace_store.update_unsaved(tx.connection, save.workspace_id, unsaved_reason)


async def _begin(tx: Transaction, workspace: Workspace, cause: Cause) -> Save:
    save = Save.begin(tx.now, ids.new(), workspace, cause)
    await store.insert_save(tx.connection, save)
    tx.record("created", after=save)
    return save
