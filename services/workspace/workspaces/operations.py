"""Changes of workspaces."""

from collections.abc import Mapping
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.workspace.identity.errors import AccountNotAllowed
from services.workspace.placement.store import Purpose
from services.workspace.workspaces import store
from services.workspace.workspaces.domain import State, Workspace, WorkspaceSpec
from services.workspace.workspaces.errors import WorkspaceBusy, WorkspaceLimitReached


async def create_workspace(tx: Transaction, *, spec: WorkspaceSpec, limit: int) -> Workspace:
    """Create a workspace in state CREATING; the reconciler makes its room.

    Args:
        tx: of the account the workspace will belong to.
        spec: what it is to be.
        limit: how many workspaces the account may have open.

    Raises:
        WorkspaceNameTaken: one of the account has the name.
        WorkspaceLimitReached: the account has as many as it may.
    """
    await expect_place(tx, limit)
    workspace = Workspace.create(tx.now, ids.new(), tx.account_id, spec)
    await store.insert_workspace(tx.connection, workspace)
    tx.record("created", after=workspace)
    return workspace


async def update_workspace(
    tx: Transaction, *, workspace_id: UUID, values: Mapping[str, object], etag: str
) -> Workspace:
    """Give a workspace other values, by the names of its fields. With those it has already, nothing changes.

    Raises:
        WorkspaceNotFound: no such workspace, or deleted.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
        InvalidField: a value is one that never changes.
        WorkspaceNameTaken: another one of the account has the name.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is not current:
        await store.update_details(tx.connection, updated)
        tx.record("updated", before=current, after=updated)
    return updated


async def archive_workspace(tx: Transaction, *, workspace_id: UUID, etag: str) -> Workspace:
    """Put a workspace away. Its sessions follow by event; the reconciler stops its runner and saves what is unsaved.

    Its files stay.

    Raises:
        WorkspaceNotFound: no such workspace.
        EtagMismatch: it changed since it was read.
        WorkspaceNotActive: it is not ACTIVE.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    tags.expect(current, etag)
    archived = current.archive(tx.now)
    await store.update_workspace(tx.connection, archived, due=tx.now)
    tx.record("archived", before=current, after=archived)
    return archived


async def unarchive_workspace(tx: Transaction, *, workspace_id: UUID, etag: str, limit: int) -> Workspace:
    """Make an archived workspace ACTIVE. Its runner starts when somebody needs it.

    Raises:
        WorkspaceNotFound: no such workspace.
        EtagMismatch: it changed since it was read.
        WorkspaceNotArchived: it is not ARCHIVED.
        WorkspaceBusy: its runner is still being stopped, which would end what begins now.
        WorkspaceLimitReached: the account has as many as it may.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    tags.expect(current, etag)
    active = current.unarchive(tx.now)
    await expect_rest(tx, current)
    await expect_place(tx, limit)
    await store.update_workspace(tx.connection, active, due=None)
    tx.record("unarchived", before=current, after=active)
    return active


async def undelete_workspace(tx: Transaction, *, workspace_id: UUID, etag: str, limit: int) -> Workspace:
    """Bring a deleted workspace back: ARCHIVED, or CREATING when it never was ready, and then the reconciler makes it.

    Raises:
        WorkspaceNotFound: no such workspace.
        EtagMismatch: it changed since it was read.
        WorkspaceNotDeleted: it is not DELETED.
        WorkspaceBusy: its runner is still being stopped.
        WorkspaceNameTaken: another one of the account has its name by now.
        WorkspaceLimitReached: it is to be made, and the account has as many as it may.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    tags.expect(current, etag)
    kept = current.undelete(tx.now)
    await expect_rest(tx, current)
    to_make = kept.state is State.CREATING
    if to_make:
        await expect_place(tx, limit)
    await store.update_workspace(tx.connection, kept, due=tx.now if to_make else None)
    tx.record("undeleted", before=current, after=kept)
    return kept


async def look_again(tx: Transaction, *, workspace_id: UUID) -> None:
    """Have the reconciler look at a workspace although its row has not changed."""
    await store.make_due(tx.connection, workspace_id, tx.now)


async def delete_workspace(tx: Transaction, *, workspace_id: UUID, etag: str) -> Workspace:
    """Delete a workspace. As with archiving, what runs ends, its work is saved, and its files stay, until it is purged.

    Raises:
        WorkspaceNotFound: no such workspace, or deleted already.
        EtagMismatch: it changed since it was read.
    """
    current = await store.lock_workspace(tx.connection, workspace_id)
    deleted = current.delete(tx.now)
    tags.expect(current, etag)
    await store.update_workspace(tx.connection, deleted, due=tx.now)
    tx.record("deleted", before=current, after=deleted)
    return deleted


async def activate_workspace(tx: Transaction, *, workspace_id: UUID, branch: str, sandbox: str) -> Workspace:
    """Finish a creation. WorkspaceNotActive unless the workspace is still CREATING."""
    current = await store.lock_workspace(tx.connection, workspace_id)
    active = current.activate(tx.now, branch=branch, sandbox=sandbox)
    await store.update_workspace(tx.connection, active, due=None)
    tx.record("activated", before=current, after=active)
    return active


async def fail_workspace(tx: Transaction, *, workspace_id: UUID, reason: str) -> Workspace:
    """Give up a creation. WorkspaceNotActive unless the workspace is still CREATING."""
    current = await store.lock_workspace(tx.connection, workspace_id)
    failed = current.fail(tx.now, reason=reason)
    await store.update_workspace(tx.connection, failed, due=None)
    tx.record("failed", before=current, after=failed)
    return failed


async def forget_workspace(tx: Transaction, *, workspace_id: UUID) -> None:
    """Remove the row of a workspace that was purged and has no directory any more. Its changes are recorded."""
    await store.forget_workspace(tx.connection, workspace_id)


async def note_progress(tx: Transaction, *, workspace_id: UUID, step: str, percent: int) -> None:
    """Remember how far a creation is."""
    await store.update_progress(tx.connection, workspace_id, step=step, percent=percent)


async def admit_runner(tx: Transaction, workspace_id: UUID, wanted: Purpose) -> Purpose:
    """Keep a workspace as it is until a runner for it is remembered.

    Returns:
        For what the runner may live. One for a save of a workspace that is open may as well be that of the workspace.

    Raises:
        WorkspaceNotActive: it may have none but for a save.
    """
    if wanted is Purpose.SAVE:
        purged = await store.find_purged(tx.connection, workspace_id) is not None
        if purged or not (await store.lock_workspace(tx.connection, workspace_id)).is_open:
            return Purpose.SAVE
    (await store.lock_workspace(tx.connection, workspace_id)).expect_open()
    return Purpose.WORKSPACE


async def expect_place(tx: Transaction, limit: int) -> None:
    """Raise WorkspaceLimitReached unless the account may have one more; rivals wait until this transaction ends.

    AccountNotAllowed in a team that was deleted a moment ago.
    """
    if await store.count_live(tx.connection, tx.account_id) >= limit:
        raise WorkspaceLimitReached(limit)
    if await store.is_of_deleted_team(tx.connection, tx.account_id):
        raise AccountNotAllowed(str(tx.account_id))


async def expect_rest(tx: Transaction, workspace: Workspace) -> None:
    """Raise WorkspaceBusy while the reconciler is at work for a workspace."""
    if not await store.is_at_rest(tx.connection, workspace.workspace_id):
        raise WorkspaceBusy(workspace.workspace_id)
