"""`python -m services.workspace`: the workspace service as a process."""

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from stateroom.workspace.v1 import (
    clean_up_service_pb2,
    credential_service_pb2,
    file_service_pb2,
    git_service_pb2,
    identity_service_pb2,
    save_service_pb2,
    team_service_pb2,
    workspace_service_pb2,
)

from chassis.changes import Registry
from chassis.rpc.server import Server
from chassis.service import Service, open_service, run
from services.workspace.clean_up.cleaning import Cleaning
from services.workspace.clean_up.servicer import CleanUpServicer
from services.workspace.clean_up.sweep import Sweep
from services.workspace.files import events as file_events
from services.workspace.files.journal import Journal
from services.workspace.files.servicer import FileServicer
from services.workspace.git.servicer import GitServicer
from services.workspace.identity import events as identity_events
from services.workspace.identity.credentials import CredentialServicer
from services.workspace.identity.exchange import CredentialExchange
from services.workspace.identity.servicer import IdentityServicer
from services.workspace.packs.vault import DatabaseVaults
from services.workspace.placement.local import LocalPlacement
from services.workspace.placement.placement import Placement
from services.workspace.placement.store import LIVE_RUNNERS
from services.workspace.placement.suspension import Suspension
from services.workspace.placement.upgrades import Upgrades
from services.workspace.saves import events as save_events
from services.workspace.saves.before_removal import BeforeRemoval
from services.workspace.saves.directories import Directories
from services.workspace.saves.servicer import SaveServicer
from services.workspace.saves.taking import Taking
from services.workspace.settings import WorkspaceSettings
from services.workspace.teams import events as team_events
from services.workspace.teams.servicer import TeamServicer
from services.workspace.workspaces import events as workspace_events
from services.workspace.workspaces import operations
from services.workspace.workspaces.domain import RepositoryRule
from services.workspace.workspaces.lifecycle import Lifecycle
from services.workspace.workspaces.runners import Runners
from services.workspace.workspaces.servicer import WorkspaceServicer

if TYPE_CHECKING:
    from services.workspace.saves.vaults import Rooms, Vaults

_ATTEMPTS = {"local": 5, "kubernetes": 20}
"""Attempts to make a room, in the end with half a minute in between: a cluster may be given a node meanwhile."""


async def open_workspace(settings: WorkspaceSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    kinds = (identity_events.USER, identity_events.API_KEY, workspace_events.WORKSPACE)
    registry = Registry(*kinds, *team_events.KINDS, save_events.SAVE, file_events.FILE_OPERATION)
    service = await open_service("workspace", settings, registry, stack)
    database = service.database
    exchange = CredentialExchange(service.system, service.signer)
    placement, rooms = await _open_placement(settings, service, stack)
    service.counts.append(LIVE_RUNNERS)
    server = service.server(exchange)
    server.add_all(
        {
            identity_service_pb2: IdentityServicer(
                database, service.pages, exchange, settings.bootstrap_token, settings.sign_up == "open"
            ),
            credential_service_pb2: CredentialServicer(exchange),
            team_service_pb2: TeamServicer(database, service.pages, settings.team_limit),
        }
    )
    _add_workspaces(service, server, settings, placement, rooms)
    return service, server


async def _open_placement(
    settings: WorkspaceSettings, service: Service, stack: AsyncExitStack
) -> tuple[Placement, "Rooms"]:
    """Return where runners are, and who has the directories."""
    rooms: Rooms
    if settings.placement == "kubernetes":
        # An extra, which costs 100 MB of memory.
        from services.workspace.placement.kubernetes.opening import open_cluster  # noqa: PLC0415  # as said

        rooms = pods = await open_cluster(settings, service, stack)
        placement = Placement(service.database, pods, operations.admit_runner, settings.idle_seconds)
    else:
        rooms, local = Directories(settings), LocalPlacement(settings)
        stack.callback(local.close)
        placement = Placement(service.database, local, operations.admit_runner, settings.idle_seconds)
        service.loops.append(Upgrades(placement, local.living).run)
    service.loops.append(placement.handles.run)
    service.reconcile("runners", "runner_id", Suspension(service.database, placement).reconcile)
    stack.push_async_callback(placement.handles.close)
    return placement, rooms


def _add_workspaces(
    service: Service, server: Server, settings: WorkspaceSettings, placement: Placement, rooms: "Rooms"
) -> None:
    """Add what serves workspaces and their saves, and the reconcilers behind it, which wake each other."""
    database, pages, limit = service.database, service.pages, settings.workspace_limit
    vaults: Vaults = Directories(settings)
    if settings.saves_in_database:
        vaults = DatabaseVaults(database, placement, settings.save_size_limit, settings.save_ignored)

    def wake() -> None:
        workspaces.wake()
        saves.wake()

    saving = BeforeRemoval(database, vaults, rooms, wake)
    lifecycle = Lifecycle(database, placement, vaults, saving, _ATTEMPTS[settings.placement])
    workspaces = service.reconcile("workspaces", "workspace_id", lifecycle.reconcile)
    saves = service.reconcile("saves", "save_id", Taking(database, vaults, wake).reconcile)
    cleaning = Cleaning(database, timedelta(days=settings.clean_up_days), wake)
    purge, keep = timedelta(days=settings.purge_days), timedelta(days=settings.save_days)
    service.loops.append(Sweep(service.system, database, cleaning, purge, keep, settings.sweep_seconds).run)
    runners = Runners(database, placement)
    repositories = RepositoryRule(settings.allow_local_repositories)
    journal = Journal(database)
    service.reconcile("file_operations", "file_operation_id", journal.reconcile)
    servicers = {
        workspace_service_pb2: WorkspaceServicer(database, pages, runners, workspaces, repositories, limit),
        git_service_pb2: GitServicer(runners),
        file_service_pb2: FileServicer(pages, runners, journal),
        save_service_pb2: SaveServicer(database, pages, saves, workspaces, limit),
        clean_up_service_pb2: CleanUpServicer(cleaning),
    }
    server.add_all(servicers)


if __name__ == "__main__":
    run(WorkspaceSettings, open_workspace)
