"""The runner of a workspace, for those who want to begin something in it and those who see to its end."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from stateroom.runner.v1 import runner_service_pb2 as runner_pb

from chassis.actor import Actor
from chassis.database import Database
from services.workspace.placement.handles import RunnerHandle
from services.workspace.placement.placement import Placement
from services.workspace.workspaces import operations, queries
from services.workspace.workspaces.domain import ENDING, State, Workspace
from services.workspace.workspaces.errors import RunnerNotFound, WorkspaceInUse

_LOOK = 0.2  # seconds between looks at a workspace that is being put away
_LOOKS = 50


@dataclass(frozen=True, slots=True)
class Runners:
    """Finds runners, and starts them where the state of the workspace allows it."""

    database: Database
    placement: Placement

    async def enter(self, actor: Actor, workspace_id: UUID) -> tuple[Workspace, RunnerHandle]:
        """Return an ACTIVE workspace and its runner, which is started when it is not running.

        Raises:
            WorkspaceNotFound: no such workspace.
            WorkspaceArchived, WorkspaceNotActive: nothing can begin in it.
            ServiceUnavailable: the runner does not come up.
        """
        (await self._read(actor, workspace_id)).expect_active()
        runner = await self.placement.ensure(actor, workspace_id)
        workspace = await self._read(actor, workspace_id)
        if workspace.state in ENDING:  # meanwhile, and maybe whoever ends runners has looked already
            await self.database.write(actor, operations.look_again, workspace_id=workspace_id)
        workspace.expect_active()
        return workspace, runner

    async def find(self, actor: Actor, workspace_id: UUID) -> tuple[Workspace, RunnerHandle]:
        """Return a workspace and its runner as `enter` does; of one that is put away, the runner while it still ends.

        Raises:
            RunnerNotFound: it has ended.
        """
        workspace = await self._read(actor, workspace_id)
        if workspace.state not in ENDING:
            return await self.enter(actor, workspace_id)
        runner = await self.placement.find(actor, workspace_id)
        if runner is None:
            raise RunnerNotFound(workspace_id)
        return workspace, runner

    async def expect_idle(self, actor: Actor, workspace_id: UUID) -> None:
        """Raise WorkspaceInUse while shells run in an ACTIVE workspace.

        The runner is asked, because it is where they run; a session that is about to open is not seen.

        Raises:
            WorkspaceNotFound: no such workspace.
            ServiceUnavailable: its runner does not answer.
        """
        if (await self._read(actor, workspace_id)).state is not State.ACTIVE:
            return
        runner = await self.placement.find(actor, workspace_id)
        if runner is None:
            return
        status = await runner.peer.call(runner.stub.GetStatus, runner_pb.GetStatusRequest())
        running = [terminal.session_id for terminal in status.terminals if terminal.running]
        if running:
            raise WorkspaceInUse(workspace_id, running)

    async def until_ended(self, actor: Actor, workspace_id: UUID) -> None:
        """Return once nothing runs any more in a workspace that is put away, or after ten seconds."""
        for _ in range(_LOOKS):
            if not await self.database.read(actor, queries.is_ending, workspace_id=workspace_id):
                return
            await asyncio.sleep(_LOOK)

    async def _read(self, actor: Actor, workspace_id: UUID) -> Workspace:
        return await self.database.read(actor, queries.get_workspace, workspace_id=workspace_id)
