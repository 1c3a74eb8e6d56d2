"""`python -m services.workspace`: the workspace service as a process."""

from contextlib import AsyncExitStack

import uvloop
from stateroom.workspace.v1 import identity_service_pb2, workspace_service_pb2

from chassis import settings
from chassis.changes import Registry
from chassis.reconcile import Reconciler
from chassis.service import open_service
from services.workspace.identity import events as identity_events
from services.workspace.identity.exchange import CredentialExchange
from services.workspace.identity.servicer import IdentityServicer
from services.workspace.placement.local import LocalPlacement
from services.workspace.placement.placement import Placement
from services.workspace.settings import WorkspaceSettings
from services.workspace.workspaces import events as workspace_events
from services.workspace.workspaces.domain import RepositoryRule
from services.workspace.workspaces.lifecycle import Lifecycle
from services.workspace.workspaces.servicer import WorkspaceServicer

NAME = "workspace"


async def main() -> None:
    """Open the parts, serve, close the parts."""
    config = settings.load(WorkspaceSettings)
    registry = Registry(identity_events.USER, identity_events.API_KEY, workspace_events.WORKSPACE)
    async with AsyncExitStack() as stack:
        service = await open_service(NAME, config, registry, stack)
        exchange = CredentialExchange(service.system, service.signer)
        runners = LocalPlacement(config)
        placement = Placement(service.database, runners)
        stack.push_async_callback(placement.close)
        work = Lifecycle(service.database, placement).reconcile
        reconciler = Reconciler("workspaces", "workspace_id", service.system, work)
        service.loops.append(reconciler.run)
        server = service.server(exchange)
        server.add(
            identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"],
            IdentityServicer(
                service.database, service.pages, exchange, config.bootstrap_token, config.sign_up == "open"
            ),
        )
        server.add(
            workspace_service_pb2.DESCRIPTOR.services_by_name["WorkspaceService"],
            WorkspaceServicer(
                service.database,
                service.pages,
                placement,
                reconciler,
                RepositoryRule(config.allow_local_repositories),
                config.workspace_limit,
            ),
        )
        await service.run(server)


if __name__ == "__main__":
    uvloop.run(main())
