"""Cleans up one account: one workspace after the other, and goes on after a failure."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from services.workspace.clean_up import operations
from services.workspace.saves import operations as save_operations
from services.workspace.saves import queries as save_queries
from services.workspace.saves.domain import Cause, expect_saved
from services.workspace.saves.errors import WorkspaceNotSaved
from services.workspace.workspaces import queries
from services.workspace.workspaces.domain import Workspace
from services.workspace.workspaces.errors import WorkspaceBusy

AT_ONCE = 200
"""Workspaces of one run; the next run finds more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A workspace that stays, and why."""

    workspace: Workspace
    cause: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the workspaces that were found."""

    deleted: list[Workspace] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Deletes what was archived and has not changed for the time `after`; `wake` makes reconcilers look at once."""

    database: Database
    after: timedelta
    wake: Callable[[], None]

    async def run(self, actor: Actor, *, dry_run: bool, retry_after: timedelta = timedelta(0)) -> Outcome:
        """Clean up the actor's account.

        Args:
            actor: whose changes these are.
            dry_run: change nothing, and tell what would happen.
            retry_after: the age from which a workspace whose save failed is saved again.
        """
        actor = replace(actor, repeat=None)  # one request, many transactions: each finds what is left to do
        before = datetime.now(UTC) - self.after
        outcome = Outcome()
        for workspace in await self.database.read(actor, queries.list_unchanged, before=before, limit=AT_ONCE):
            try:
                outcome.deleted.append(await self._clean_up(actor, workspace, before, dry_run=dry_run))
            except DomainError as exc:
                outcome.failures.append(Failure(workspace, exc.message))
                if isinstance(exc, WorkspaceNotSaved) and not dry_run:
                    await self._save(actor, workspace, retry_after)
        self.wake()
        return outcome

    async def _clean_up(self, actor: Actor, workspace: Workspace, before: datetime, *, dry_run: bool) -> Workspace:
        workspace_id = workspace.workspace_id
        if dry_run:
            expect_saved(
                workspace, await self.database.read(actor, save_queries.find_current, workspace_id=workspace_id)
            )
            return workspace
        return await self.database.write(actor, operations.clean_up_workspace, workspace_id=workspace_id, before=before)

    async def _save(self, actor: Actor, workspace: Workspace, retry_after: timedelta) -> None:
        with suppress(WorkspaceBusy):  # it changed meanwhile, and stays anyway
            await self.database.write(
                actor, save_operations.ensure_save, workspace=workspace, cause=Cause.CLEAN_UP, retry_after=retry_after
            )
