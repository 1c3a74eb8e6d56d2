"""Rooms that nobody uses give back what they cost: their runners end, their disks stay, and who comes starts them."""

from dataclasses import dataclass

from chassis import logs
from chassis.database import Database
from chassis.reconcile import Claim
from services.workspace.placement import store
from services.workspace.placement.placement import Placement

_log = logs.get("suspension")


@dataclass(frozen=True, slots=True)
class Suspension:
    """Looks at runners that nobody has needed for a while."""

    database: Database
    placement: Placement

    async def reconcile(self, claim: Claim) -> float | None:
        """End a runner whose room is idle. Safe to repeat."""
        actor, runner_id = claim.actor, claim.entity_id
        workspace_id = await self.database.read(actor, store.find_workspace, runner_id=runner_id)
        if workspace_id is None:
            return None
        if not await self.placement.suspend(actor, runner_id, workspace_id):
            return self.placement.idle_seconds
        _log.info("room suspended", workspace_id=str(workspace_id), runner_id=str(runner_id))
        return None
