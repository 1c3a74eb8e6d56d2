"""What a workspace's state asks of the world: a room for one being created, a save and no runner for one put away."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from stateroom.runner.v1 import runner_service_pb2 as runner_pb

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, Unavailable
from chassis.reconcile import Claim
from services.workspace.placement.handles import RunnerHandle
from services.workspace.placement.placement import Placement
from services.workspace.saves import queries as save_queries
from services.workspace.saves.before_removal import BeforeRemoval
from services.workspace.saves.vaults import Refused, Vaults
from services.workspace.workspaces import operations, queries
from services.workspace.workspaces.domain import ENDING, State, Workspace

DRAIN = timedelta(seconds=30)
"""How long the runner of an archived or deleted workspace may wait for the last output to be stored."""

_DRAIN_INTERVAL = 0.5  # seconds between looks at whether the last output is stored
_PROGRESS_INTERVAL = 0.2  # seconds between stored steps: enough for a person, few enough for the database
_AFTER_PREPARE = faults.Point("lifecycle.after_prepare", "The room is made, and its workspace is still CREATING.")


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Makes rooms and ends them. A workspace is called broken after so many `attempts` to make its room."""

    database: Database
    placement: Placement
    vaults: Vaults
    saving: BeforeRemoval
    attempts: int

    async def reconcile(self, claim: Claim) -> float | None:
        """Bring one workspace's world in line with its row. Safe to repeat."""
        purged = await self.database.read(claim.actor, queries.find_purged, workspace_id=claim.entity_id)
        if purged is not None:
            return await self._remove(claim.actor, purged)
        workspace = await self.database.read(claim.actor, queries.get_workspace, workspace_id=claim.entity_id)
        if workspace.state is State.CREATING:
            await self._create(claim, workspace)
        elif workspace.state in ENDING:
            return await self._end(claim.actor, workspace)
        return None

    async def _create(self, claim: Claim, workspace: Workspace) -> None:
        actor = claim.actor
        try:
            await self._restore(actor, workspace)
            runner = await self.placement.ensure(
                actor, workspace.workspace_id, partial(self._note, actor, workspace.workspace_id)
            )
            branch = await self._prepare(actor, workspace, runner)
            _AFTER_PREPARE.reach()
            sandbox = (await runner.peer.call(runner.stub.GetStatus, runner_pb.GetStatusRequest())).sandbox
        except DomainError as exc:
            if isinstance(exc, Unavailable) and claim.attempts < self.attempts:
                raise
            await self._give_up(actor, workspace, exc.message)
            return
        except Refused as refusal:
            await self._give_up(actor, workspace, f"the save cannot be restored: {refusal}")
            return
        await self.database.write(
            actor, operations.activate_workspace, workspace_id=workspace.workspace_id, branch=branch, sandbox=sandbox
        )

    async def _restore(self, actor: Actor, workspace: Workspace) -> None:
        """Give a workspace the directory of its save, before anybody else uses the room."""
        if workspace.save_id is None:
            return
        await self.saving.expect_sound(actor, workspace)
        save = await self.database.read(actor, save_queries.get_save, save_id=workspace.save_id)
        save.expect_complete()
        await self.vaults.give_back(actor, save, workspace)

    async def _give_up(self, actor: Actor, workspace: Workspace, reason: str) -> None:
        with suppress(Unavailable):
            runner = await self.placement.find(actor, workspace.workspace_id)
            if runner is not None:
                await self.placement.stop(actor, runner, reason="creation failed")
        await self.placement.give_up(actor, workspace.workspace_id)
        await self.database.write(actor, operations.fail_workspace, workspace_id=workspace.workspace_id, reason=reason)

    async def _prepare(self, actor: Actor, workspace: Workspace, runner: RunnerHandle) -> str:
        """Have the runner make the directory. Returns the branch that is checked out."""
        request = runner_pb.PrepareRequest(repository_url=workspace.repository_url, branch=workspace.branch)
        stored = 0.0
        async for progress in runner.peer.stream(runner.stub.Prepare, request):
            if progress.done:
                return str(progress.branch)
            if time.monotonic() - stored > _PROGRESS_INTERVAL:
                stored = time.monotonic()
                await self._note(actor, workspace.workspace_id, progress.step, progress.percent)
        return workspace.branch

    async def _note(self, actor: Actor, workspace_id: UUID, step: str, percent: int = 0) -> None:
        await self.database.write(
            actor, operations.note_progress, workspace_id=workspace_id, step=step, percent=percent
        )

    async def _end(self, actor: Actor, workspace: Workspace) -> float | None:
        """Stop the runner once the sessions' last output is stored, or that has taken too long; then save the work."""
        since = workspace.archive_time or workspace.delete_time or workspace.create_time
        runner = await self.placement.find(actor, workspace.workspace_id)
        if runner is not None:
            terminals = (await runner.peer.call(runner.stub.GetStatus, runner_pb.GetStatusRequest())).terminals
            if terminals and datetime.now(UTC) - since < DRAIN:
                return _DRAIN_INTERVAL
            await self.placement.stop(actor, runner, reason=f"workspace_{workspace.state.name.lower()}")
        else:
            await self.placement.give_up(actor, workspace.workspace_id)
        return await self.saving.save(actor, workspace)

    async def _remove(self, actor: Actor, workspace: Workspace) -> float | None:
        """Remove the directory of a purged workspace once its work is saved, then its row."""
        again = await self.saving.remove(actor, workspace)
        if again is None:
            await self.database.write(actor, operations.forget_workspace, workspace_id=workspace.workspace_id)
        return again
