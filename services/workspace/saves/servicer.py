"""SaveService: what was in workspaces."""

from dataclasses import dataclass

from stateroom.workspace.v1 import save_pb2, workspace_pb2
from stateroom.workspace.v1 import save_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.reconcile import Reconciler
from chassis.rpc.call import Call
from services.workspace.saves import convert, operations, queries
from services.workspace.workspaces.convert import workspace_to_proto


@dataclass(frozen=True, slots=True)
class SaveServicer:
    """Serves stateroom.workspace.v1.SaveService. `saves` takes and removes what `workspaces` are restored from."""

    database: Database
    pages: Pages
    saves: Reconciler
    workspaces: Reconciler
    workspace_limit: int

    async def CreateSave(self, request: pb.CreateSaveRequest, call: Call) -> save_pb2.Save:
        """Begin a save."""
        workspace_id = ids.parse(request.workspace_id)
        save = await self.database.write(call.actor, operations.create_save, workspace_id=workspace_id)
        self.saves.wake()
        return convert.save_to_proto(save)

    async def GetSave(self, request: pb.GetSaveRequest, call: Call) -> save_pb2.Save:
        """Return a save."""
        save = await self.database.read(call.actor, queries.get_save, save_id=ids.parse(request.save_id))
        return convert.save_to_proto(save)

    async def ListSaves(self, request: pb.ListSavesRequest, call: Call) -> pb.ListSavesResponse:
        """Return a page of saves."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_saves,
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            workspace_name=request.workspace_name,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda save: save.save_id)
        return pb.ListSavesResponse(saves=map(convert.save_to_proto, shown), next_page_token=token)

    async def RestoreSave(self, request: pb.RestoreSaveRequest, call: Call) -> workspace_pb2.Workspace:
        """Make a workspace of a save."""
        workspace = await self.database.write(
            call.actor,
            operations.restore_save,
            save_id=ids.parse(request.save_id),
            name=request.name,
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            limit=self.workspace_limit,
        )
        self.workspaces.wake()
        return workspace_to_proto(workspace)

    async def DeleteSave(self, request: pb.DeleteSaveRequest, call: Call) -> save_pb2.Save:
        """Delete a save."""
        save = await self.database.write(
            call.actor, operations.delete_save, save_id=ids.parse(request.save_id), etag=request.etag
        )
        self.saves.wake()
        return convert.save_to_proto(save)
