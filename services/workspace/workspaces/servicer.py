"""WorkspaceService: rooms, and the way to their runners."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as pb

from chassis import ids, masks
from chassis.actor import Actor
from chassis.database import Database, Transaction
from chassis.pages import Pages
from chassis.reconcile import Reconciler
from chassis.rpc.call import Call
from services.workspace.workspaces import convert, operations, queries
from services.workspace.workspaces.domain import RepositoryRule, State, Workspace
from services.workspace.workspaces.runners import Runners


class PutAway(Protocol):
    """An operation that ends what runs in a workspace."""

    async def __call__(self, tx: Transaction, *, workspace_id: UUID, etag: str) -> Workspace:
        """Return the workspace as it is afterwards."""


class BringBack(Protocol):
    """An operation that undoes one of those."""

    async def __call__(self, tx: Transaction, *, workspace_id: UUID, etag: str, limit: int) -> Workspace:
        """Return the workspace as it is afterwards."""


_WATCH_INTERVAL = 0.2  # seconds between looks at a workspace that is being created


@dataclass(frozen=True, slots=True)
class WorkspaceServicer:
    """Serves stateroom.workspace.v1.WorkspaceService."""

    database: Database
    pages: Pages
    runners: Runners
    reconciler: Reconciler
    repositories: RepositoryRule
    limit: int

    async def CreateWorkspace(self, request: pb.CreateWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Create a workspace; the reconciler makes its room."""
        wanted = request.workspace
        self.repositories.check(wanted.repository_url)
        workspace = await self.database.write(
            call.actor, operations.create_workspace, spec=convert.spec_from_proto(wanted), limit=self.limit
        )
        self.reconciler.wake()
        return convert.workspace_to_proto(workspace)

    async def GetWorkspace(self, request: pb.GetWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Return a workspace."""
        workspace_id = ids.parse(request.workspace_id)
        workspace = await self.database.read(call.actor, queries.get_workspace, workspace_id=workspace_id)
        return convert.workspace_to_proto(workspace)

    async def ListWorkspaces(self, request: pb.ListWorkspacesRequest, call: Call) -> pb.ListWorkspacesResponse:
        """Return a page of workspaces."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_workspaces,
            state=convert.state_from_proto(request.state),
            name=request.name,
            show_deleted=request.show_deleted,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda workspace: workspace.workspace_id)
        return pb.ListWorkspacesResponse(workspaces=map(convert.workspace_to_proto, shown), next_page_token=token)

    async def UpdateWorkspace(self, request: pb.UpdateWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Change what a workspace is called and what is said about it."""
        self.repositories.check(request.workspace.repository_url)
        names = masks.fields_to_set(request.workspace, request.update_mask)
        workspace = await self.database.write(
            call.actor,
            operations.update_workspace,
            workspace_id=ids.parse(request.workspace_id),
            values=convert.values_from_proto(request.workspace, names),
            etag=request.etag,
        )
        return convert.workspace_to_proto(workspace)

    async def ArchiveWorkspace(self, request: pb.ArchiveWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Put a workspace away."""
        return await self._put_away(operations.archive_workspace, request, call)

    async def UnarchiveWorkspace(self, request: pb.UnarchiveWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Make an archived workspace active."""
        return await self._bring_back(operations.unarchive_workspace, request, call)

    async def DeleteWorkspace(self, request: pb.DeleteWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Delete a workspace."""
        return await self._put_away(operations.delete_workspace, request, call)

    async def UndeleteWorkspace(self, request: pb.UndeleteWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Bring a deleted workspace back."""
        return await self._bring_back(operations.undelete_workspace, request, call)

    async def WatchWorkspace(
        self, request: pb.WatchWorkspaceRequest, call: Call
    ) -> AsyncIterator[workspace_pb2.Workspace]:
        """Stream a workspace until it is ready, broken or deleted."""
        workspace_id = ids.parse(request.workspace_id)
        shown = None
        while True:
            workspace = await self.database.read(call.actor, queries.get_workspace, workspace_id=workspace_id)
            if workspace != shown:
                shown = workspace
                yield convert.workspace_to_proto(workspace)
            if workspace.state is not State.CREATING:
                return
            await asyncio.sleep(_WATCH_INTERVAL)

    async def GetRunner(self, request: pb.GetRunnerRequest, call: Call) -> pb.Runner:
        """Return the way to a workspace's runner; start it when it is not running and the workspace is ACTIVE."""
        workspace_id = ids.parse(request.workspace_id)
        actor = Actor(account_id=ids.parse(request.account_id), subject=call.principal.subject)
        reach = self.runners.enter if request.for_new_work else self.runners.find
        workspace, runner = await reach(actor, workspace_id)
        return pb.Runner(
            runner_id=str(runner.runner_id),
            address=runner.address,
            token=runner.token,
            workspace_name=workspace.name,
            repository_url=workspace.repository_url,
            certificate=runner.certificate,
        )

    async def _put_away(
        self, operation: PutAway, request: pb.ArchiveWorkspaceRequest | pb.DeleteWorkspaceRequest, call: Call
    ) -> workspace_pb2.Workspace:
        """Archive or delete a workspace, unless it is in use and nobody said `force`."""
        workspace_id = ids.parse(request.workspace_id)
        # Asked before the transaction, in which nobody waits for a runner; and not for a repetition, which is answered.
        if not request.force and await self.database.find_repeated(call.actor) is None:
            await self.runners.expect_idle(call.actor, workspace_id)
        workspace = await self.database.write(call.actor, operation, workspace_id=workspace_id, etag=request.etag)
        self.reconciler.wake()
        return convert.workspace_to_proto(workspace)

    async def _bring_back(
        self, operation: BringBack, request: pb.UnarchiveWorkspaceRequest | pb.UndeleteWorkspaceRequest, call: Call
    ) -> workspace_pb2.Workspace:
        """Unarchive or undelete a workspace."""
        workspace_id = ids.parse(request.workspace_id)
        await self.runners.until_ended(call.actor, workspace_id)
        workspace = await self.database.write(
            call.actor, operation, workspace_id=workspace_id, etag=request.etag, limit=self.limit
        )
        self.reconciler.wake()
        return convert.workspace_to_proto(workspace)
