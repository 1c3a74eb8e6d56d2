"""The scheduled clean-up of all accounts. Several replicas may sweep at once: each change holds its row."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.workspace.clean_up import operations
from services.workspace.clean_up.cleaning import Cleaning
from services.workspace.saves import operations as save_operations
from services.workspace.saves.before_removal import RETRY
from services.workspace.saves.domain import Cause
from services.workspace.saves.errors import WorkspaceNotSaved
from services.workspace.workspaces import queries
from services.workspace.workspaces.errors import WorkspaceBusy, WorkspaceNotFound

BATCH = 500
"""Rows of one kind in one sweep."""

_UNCHANGED = """
SELECT DISTINCT account_id FROM workspaces
WHERE state = 'ARCHIVED' AND reconcile_time IS NULL AND update_time < now() - $1::interval LIMIT $2
"""
_DELETED = """
SELECT account_id, workspace_id FROM workspaces
WHERE state = 'DELETED' AND purge_time IS NULL AND reconcile_time IS NULL AND delete_time < now() - $1::interval
ORDER BY delete_time LIMIT $2
"""
_EXPIRED = """
SELECT account_id, save_id FROM saves
WHERE state <> 'DELETED' AND expire_time < now() - $1::interval ORDER BY expire_time LIMIT $2
"""

_log = logs.get("clean-up")


@dataclass(frozen=True, slots=True)
class Sweep:
    """Does what is due, every `interval` seconds: a purge `purge` after the deletion, saves go `keep` after that."""

    system: SystemDatabase
    database: Database
    cleaning: Cleaning
    purge: timedelta
    keep: timedelta
    interval: float

    async def run(self) -> None:
        """Sweep until cancelled; failures are logged and tried again with the next sweep."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except (*FAILURES, DomainError) as exc:
                _log.warning("clean-up failed, trying again", error=repr(exc))
            await asyncio.sleep(self.interval)

    async def sweep(self) -> None:
        """Clean up what was archived, purge what was deleted, delete what expired."""
        for (account_id,) in await self._find(_UNCHANGED, self.cleaning.after):
            outcome = await self.cleaning.run(_service(account_id), dry_run=False, retry_after=RETRY)
            for failure in outcome.failures:
                _log.warning("workspace stays", workspace_id=str(failure.workspace.workspace_id), cause=failure.cause)
        for account_id, workspace_id in await self._find(_DELETED, self.purge):
            await self._purge(_service(account_id), workspace_id)
        for account_id, save_id in await self._find(_EXPIRED, timedelta(0)):
            await self._expire(_service(account_id), save_id)
        self.cleaning.wake()

    async def _find(self, statement: str, age: timedelta) -> list[tuple[UUID, ...]]:
        async with self.system.connection() as connection:
            return [tuple(row) for row in await connection.fetch(statement, age, BATCH)]

    async def _purge(self, actor: Actor, workspace_id: UUID) -> None:
        before = datetime.now(UTC) - self.purge
        try:
            await self.database.write(
                actor, operations.purge_workspace, workspace_id=workspace_id, before=before, keep=self.keep
            )
        except WorkspaceNotSaved as exc:
            _log.warning("workspace stays", workspace_id=str(workspace_id), cause=exc.message)
            await self._save(actor, workspace_id)
        except DomainError as exc:  # somebody was faster, or it waits for its turn
            _log.info("workspace not purged", workspace_id=str(workspace_id), cause=exc.message)

    async def _save(self, actor: Actor, workspace_id: UUID) -> None:
        with suppress(
            WorkspaceNotFound, WorkspaceBusy
        ):  # somebody was faster, or it changed meanwhile and stays anyway
            workspace = await self.database.read(actor, queries.get_workspace, workspace_id=workspace_id)
            await self.database.write(
                actor, save_operations.ensure_save, workspace=workspace, cause=Cause.CLEAN_UP, retry_after=RETRY
            )

    async def _expire(self, actor: Actor, save_id: UUID) -> None:
        try:
            await self.database.write(actor, save_operations.delete_save, save_id=save_id, etag="")
        except DomainError as exc:
            _log.info("save not removed", save_id=str(save_id), cause=exc.message)


def _service(account_id: UUID) -> Actor:
    return Actor.of_service("workspace", account_id)
