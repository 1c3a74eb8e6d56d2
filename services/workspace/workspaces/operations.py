"""Changes of workspaces."""

from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.workspace.workspaces import store
from services.workspace.workspaces.domain import State, Workspace
from services.workspace.workspaces.errors import WorkspaceLimitReached


async def create_workspace(  # the fields of a workspace
    tx: Transaction, *, name: str, description: str, repository_url: str, branch: str, limit: int
) -> Workspace:
    """Create a workspace in state CREATING; the reconciler makes its room.

    Args:
        tx: of the account the workspace will belong to.
        name: unique among the account's undeleted workspaces.
        description: for people.
        repository_url: what to clone, checked beforehand; empty for an empty workspace.
        branch: empty for the remote's default.
        limit: how many workspaces the account may have open.

    Raises:
        WorkspaceNameTaken: one of the account has the name.
        WorkspaceLimitReached: the account has as many as it may.
    """
    if await store.count_live(tx.connection, tx.account_id) >= limit:
        raise WorkspaceLimitReached(limit)
    workspace = Workspace(
        workspace_id=ids.new(),
        account_id=tx.account_id,
        name=name,
        description=description,
        repository_url=repository_url,
        branch=branch,
        state=State.CREATING,
        state_reason="",
        progress_step="Waiting for a runner",
        progress_percent=0,
        sandbox="",
        version=1,
        create_time=tx.now,
        update_time=tx.now,
        delete_time=None,
    )
    await store.insert_workspace(tx.connection, workspace)
    tx.record("created", after=workspace)
    return workspace


async def delete_workspace(tx: Transaction, *, workspace_id: UUID, etag: str) -> Workspace:
    """Delete a workspace. Its sessions follow by event; the reconciler stops its runner. Its files stay.

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


async def note_progress(tx: Transaction, *, workspace_id: UUID, step: str, percent: int) -> None:
    """Remember how far a creation is."""
    await store.update_progress(tx.connection, workspace_id, step=step, percent=percent)


async def admit_runner(tx: Transaction, workspace_id: UUID) -> None:
    """Keep a workspace as it is until a runner for it is remembered. WorkspaceNotActive when it may have none."""
    (await store.lock_workspace(tx.connection, workspace_id)).expect_open()
