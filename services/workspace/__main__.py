"""`python -m services.workspace`: the workspace service as a process."""

from contextlib import AsyncExitStack

from stateroom.workspace.v1 import file_service_pb2, git_service_pb2, identity_service_pb2, workspace_service_pb2

from chassis.changes import Registry
from chassis.rpc.server import Server
from chassis.service import Service, open_service, run
from services.workspace.files import events as file_events
from services.workspace.files.journal import Journal
from services.workspace.files.servicer import FileServicer
from services.workspace.git.servicer import GitServicer
from services.workspace.identity import events as identity_events
from services.workspace.identity.exchange import CredentialExchange
from services.workspace.identity.servicer import IdentityServicer
from services.workspace.placement.local import LocalPlacement
from services.workspace.placement.placement import Placement
from services.workspace.placement.store import LIVE_RUNNERS
from services.workspace.placement.upgrades import Upgrades
from services.workspace.settings import WorkspaceSettings
from services.workspace.workspaces import events as workspace_events
from services.workspace.workspaces import operations
from services.workspace.workspaces.domain import RepositoryRule
from services.workspace.workspaces.lifecycle import Lifecycle
from services.workspace.workspaces.runners import Runners
from services.workspace.workspaces.servicer import WorkspaceServicer


async def open_workspace(settings: WorkspaceSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    registry = Registry(
        identity_events.USER, identity_events.API_KEY, workspace_events.WORKSPACE, file_events.FILE_OPERATION
    )
    service = await open_service("workspace", settings, registry, stack)
    database, pages = service.database, service.pages
    exchange = CredentialExchange(service.system, service.signer)
    placement = Placement(database, LocalPlacement(settings), operations.admit_runner)
    stack.push_async_callback(placement.close)
    service.loops.append(Upgrades(placement).run)
    reconciler = service.reconcile("workspaces", "workspace_id", Lifecycle(database, placement).reconcile)
    service.counts.append(LIVE_RUNNERS)
    server = service.server(exchange)
    server.add(
        identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"],
        IdentityServicer(database, pages, exchange, settings.bootstrap_token, settings.sign_up == "open"),
    )
    runners = Runners(database, placement)
    repositories = RepositoryRule(settings.allow_local_repositories)
    server.add(
        workspace_service_pb2.DESCRIPTOR.services_by_name["WorkspaceService"],
        WorkspaceServicer(database, pages, runners, reconciler, repositories, settings.workspace_limit),
    )
    server.add(git_service_pb2.DESCRIPTOR.services_by_name["GitService"], GitServicer(runners))
    journal = Journal(database)
    service.reconcile("file_operations", "file_operation_id", journal.reconcile)
    server.add(
        file_service_pb2.DESCRIPTOR.services_by_name["FileService"], FileServicer(service.pages, runners, journal)
    )
    return service, server


if __name__ == "__main__":
    run(WorkspaceSettings, open_workspace)
