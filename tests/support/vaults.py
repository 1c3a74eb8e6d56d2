"""A workspace service in the test's process, whose rooms are reached through their runners alone."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio

from chassis import ids
from chassis.actor import Actor
from chassis.changes import Registry
from chassis.database import Database
from chassis.service import open_service
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.workspace.packs.vault import DatabaseVaults
from services.workspace.placement.local import LocalPlacement
from services.workspace.placement.placement import Placement
from services.workspace.saves import operations as save_operations
from services.workspace.saves import queries as save_queries
from services.workspace.saves.domain import Cause, Save
from services.workspace.saves.events import SAVE
from services.workspace.settings import WorkspaceSettings
from services.workspace.workspaces import operations, queries
from services.workspace.workspaces.domain import Workspace, WorkspaceSpec
from services.workspace.workspaces.events import WORKSPACE
from tests.support.product import Product, open_product
from tests.support.source import query
from tests.support.waiting import until

LIMIT = 1000


@dataclass(slots=True)
class VaultStage:
    """One account, its rooms, and what keeps their saves."""

    product: Product
    settings: WorkspaceSettings
    database: Database
    runners: LocalPlacement
    actor: Actor = field(init=False)
    placement: Placement = field(init=False)
    vaults: DatabaseVaults = field(init=False)

    def __post_init__(self) -> None:
        account_id = ids.new()
        self.actor = Actor(account_id=account_id, subject=str(account_id))
        self.placement = Placement(self.database, self.runners, operations.admit_runner)
        self.vaults = DatabaseVaults(self.database, self.placement, self.settings.save_size_limit, with_ignored=True)

    def replica(self) -> "VaultStage":
        """Return another process's view of the same account."""
        other = VaultStage(self.product, self.settings, self.database, self.runners)
        other.actor = self.actor
        return other

    async def room(self, content: Mapping[str, bytes]) -> Workspace:
        """Return an ACTIVE workspace with files in it, and no runner."""
        spec = WorkspaceSpec(ids.new().hex, "", {}, "", "")
        made: Workspace = await self.database.write(self.actor, operations.create_workspace, spec=spec, limit=LIMIT)
        files = self.files(made.workspace_id)
        files.mkdir(mode=0o700, parents=True)
        for name, data in content.items():
            (files / name).write_bytes(data)
        return await self.database.write(
            self.actor,
            operations.activate_workspace,
            workspace_id=made.workspace_id,
            branch="main",
            sandbox="process",
        )

    async def archive(self, workspace: Workspace) -> Workspace:
        """Put a workspace away in which nothing runs."""
        return await self._settled(operations.archive_workspace, workspace, etag="")

    async def unarchive(self, workspace: Workspace) -> Workspace:
        """Bring a workspace back."""
        return await self._settled(operations.unarchive_workspace, workspace, etag="", limit=LIMIT)

    async def delete(self, workspace: Workspace) -> Workspace:
        """Delete a workspace, for good."""
        await self._settled(operations.delete_workspace, workspace, etag="")
        await query(
            self.product.installation.url("workspace_system"),
            "UPDATE workspaces SET purge_time = now() WHERE workspace_id = $1 RETURNING 1",
            workspace.workspace_id,
        )
        purged = await self.database.read(self.actor, queries.find_purged, workspace_id=workspace.workspace_id)
        assert purged is not None
        return purged

    async def begun(self, workspace: Workspace) -> Save:
        """Return a new save of a workspace, which is still to be taken."""
        if workspace.archive_time is None:
            return await self.database.write(
                self.actor, save_operations.create_save, workspace_id=workspace.workspace_id
            )
        return await self.database.write(
            self.actor, save_operations.ensure_save, workspace=workspace, cause=Cause.ARCHIVE
        )

    async def taken(self, workspace: Workspace) -> Save:
        """Return a new save of a workspace that is complete."""
        return await self.complete(await self.begun(workspace))

    async def complete(self, save: Save) -> Save:
        """Take a save."""
        facts = await self.vaults.take(self.actor, save)
        return await self.database.write(self.actor, save_operations.complete_save, save_id=save.save_id, facts=facts)

    async def delete_save(self, save: Save) -> None:
        """Delete a save, and what it holds."""
        deleted = await self.database.write(self.actor, save_operations.delete_save, save_id=save.save_id, etag="")
        await self.vaults.remove(self.actor, deleted)

    async def current(self, workspace: Workspace) -> UUID | None:
        """Return the save that holds all that is in a workspace; None for none."""
        found = await self.database.read(self.actor, save_queries.find_current, workspace_id=workspace.workspace_id)
        return None if found is None else found.save_id

    async def restored(self, save: Save) -> Path:
        """Return the directory of a new workspace that was made of a save."""
        spec = WorkspaceSpec(ids.new().hex, "", {}, "", "", save.save_id)
        made: Workspace = await self.database.write(self.actor, operations.create_workspace, spec=spec, limit=LIMIT)
        await self.vaults.give_back(self.actor, save, made)
        return self.files(made.workspace_id)

    async def stored(self, save: Save) -> tuple[int, int]:
        """Return how many chunks of a save are stored, and how many bytes."""
        rows = await self.rows(
            "SELECT count(*), coalesce(sum(length(data)), 0) FROM save_packs JOIN save_chunks USING (pack_id)"
            " WHERE save_id = $1",
            save.save_id,
        )
        return int(rows[0][0]), int(rows[0][1])

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return what a statement finds in all accounts."""
        return list(await query(self.product.installation.url("workspace_system"), statement, *values))

    async def until_empty(self, workspace: Workspace) -> None:
        """Wait until no runner lives in a room."""

        async def empty() -> bool:
            return self.product.is_unlocked(str(workspace.workspace_id))

        await until(empty)

    def files(self, workspace_id: UUID) -> Path:
        """Return the directory of a workspace."""
        return self.settings.data_directory / "rooms" / str(workspace_id) / "files"

    async def _settled(self, operation: Any, workspace: Workspace, **values: Any) -> Workspace:
        """Change a workspace, and let what follows from that be done."""
        changed: Workspace = await self.database.write(
            self.actor, operation, workspace_id=workspace.workspace_id, **values
        )
        await query(
            self.product.installation.url("workspace_system"),
            "UPDATE workspaces SET reconcile_time = NULL WHERE workspace_id = $1 RETURNING 1",
            workspace.workspace_id,
        )
        return changed


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def vault_stage(product_template: Postgres, nats: Nats) -> AsyncIterator[VaultStage]:
    """Return the service, for the tests of one module."""
    async with open_product(product_template, nats) as product, AsyncExitStack() as stack:
        described = product.installation.settings(
            "workspace", data_directory=product.folder / "data", runtime_directory=product.folder / "run"
        )
        settings = WorkspaceSettings(**described)
        service = await open_service("workspace", settings, Registry(WORKSPACE, SAVE), stack)
        runners = LocalPlacement(settings)
        stack.callback(runners.close)
        stage = VaultStage(product, settings, service.database, runners)
        stack.push_async_callback(stage.placement.handles.close)
        yield stage
