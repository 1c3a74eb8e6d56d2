"""What is left to do in the account of a team that was deleted: nothing begins there any more, and what runs ends."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis.actor import Actor
from chassis.database import Database
from services.execution.changes import store
from services.execution.deployments.errors import DeploymentNotFound
from services.execution.deployments.operations import stop_deployment
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.operations import cancel_execution
from services.execution.triggers.errors import TriggerNotFound
from services.execution.triggers.operations import disable_trigger


@dataclass(frozen=True, slots=True)
class DeletedTeams:
    """Disables their triggers, stops their deployments and cancels their executions.

    Again changes nothing, so that each commits for itself.
    """

    database: Database

    async def apply(self, connection: store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if (header.entity_type, header.type, header.outcome) == ("team", "deleted", ChangeHeader.SUCCEEDED):
                await self._close(connection, header)

    async def _close(self, connection: store.Driver, header: ChangeHeader) -> None:
        account_id = UUID(header.account_id)
        cause = {"correlation_id": header.request_id, "cause_event_id": header.event_id}
        actor = Actor.of_service("execution", account_id, **cause)
        for trigger_id in await store.enabled_triggers(connection, account_id):
            with suppress(TriggerNotFound):  # deleted meanwhile
                await self.database.write(actor, disable_trigger, trigger_id=trigger_id, etag="")
        for deployment_id in await store.live_deployments(connection, account_id):
            with suppress(DeploymentNotFound):  # deleted meanwhile
                await self.database.write(actor, stop_deployment, deployment_id=deployment_id, etag="")
        for execution_id in await store.live_executions(connection, account_id):
            with suppress(ExecutionEnded):
                await self.database.write(actor, cancel_execution, execution_id=execution_id, etag="")
