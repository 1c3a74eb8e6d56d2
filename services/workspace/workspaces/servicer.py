"""WorkspaceService: rooms, and the way to their runners."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as pb

from chassis import ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.pages import Pages
from chassis.reconcile import Reconciler
from chassis.rpc.call import Call
from services.workspace.placement.placement import Placement
from services.workspace.workspaces import convert, operations, queries
from services.workspace.workspaces.domain import RepositoryRule, State
from services.workspace.workspaces.errors import RunnerNotFound, WorkspaceNotActive

_WATCH_INTERVAL = 0.2  # seconds between looks at a workspace that is being created


@dataclass(frozen=True, slots=True)
class WorkspaceServicer:
    """Serves stateroom.workspace.v1.WorkspaceService."""

    database: Database
    pages: Pages
    placement: Placement
    reconciler: Reconciler
    repositories: RepositoryRule
    limit: int

    async def CreateWorkspace(self, request: pb.CreateWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Create a workspace; the reconciler makes its room."""
        wanted = request.workspace
        self.repositories.check(wanted.repository_url)
        workspace = await self.database.write(
            call.actor,
            operations.create_workspace,
            name=wanted.name,
            description=wanted.description,
            repository_url=wanted.repository_url,
            branch=wanted.branch,
            limit=self.limit,
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
            limit=page.limit + 1,
            after=page.after_id,
        )
        shown, token = self.pages.cut(
            request, call.account_id, page, rows, key=lambda workspace: workspace.workspace_id
        )
        return pb.ListWorkspacesResponse(workspaces=map(convert.workspace_to_proto, shown), next_page_token=token)

    async def DeleteWorkspace(self, request: pb.DeleteWorkspaceRequest, call: Call) -> workspace_pb2.Workspace:
        """Delete a workspace."""
        workspace_id = ids.parse(request.workspace_id)
        workspace = await self.database.write(
            call.actor, operations.delete_workspace, workspace_id=workspace_id, etag=request.etag
        )
        self.reconciler.wake()
        return convert.workspace_to_proto(workspace)

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
        workspace = await self.database.read(actor, queries.get_workspace, workspace_id=workspace_id)
        if workspace.state is State.ACTIVE:
            runner = await self.placement.ensure(actor, workspace_id)
        elif workspace.state is State.DELETED:
            found = await self.placement.find(actor, workspace_id)
            if found is None:
                raise RunnerNotFound(workspace_id)
            runner = found
        else:
            raise WorkspaceNotActive(workspace_id, workspace.state.name)
        return pb.Runner(
            runner_id=str(runner.runner_id),
            address=runner.address,
            token=runner.token,
            workspace_name=workspace.name,
            repository_url=workspace.repository_url,
            alive=True,
        )
