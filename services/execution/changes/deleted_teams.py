"""What is left to do in the account of a team that was deleted: nothing begins there any more, and what runs ends.

Who was let in a moment before may begin something after that: it is looked at until nobody is believed any more.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis.actor import Actor
from chassis.database import Database
from chassis.reconcile import Claim
from chassis.rpc.tokens import LIFETIME
from services.execution.changes import store
from services.execution.deployments.errors import DeploymentNotFound
from services.execution.deployments.operations import stop_deployment
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.operations import cancel_execution
from services.execution.triggers.errors import TriggerNotFound
from services.execution.triggers.operations import disable_trigger

LOOK = 2.0
"""Seconds between looks at what has begun since."""
SETTLED = LIFETIME + 15.0
"""Seconds after which nothing begins: as long as a token lives, and a call may take."""


@dataclass(frozen=True, slots=True)
class DeletedTeams:
    """Notes which teams are deleted. Who closes their accounts is woken."""

    wake: Callable[[], None]

    async def apply(self, connection: store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if (header.entity_type, header.type, header.outcome) == ("team", "deleted", ChangeHeader.SUCCEEDED):
                await store.note_deleted_team(connection, UUID(header.account_id), UUID(header.event_id))
                self.wake()


@dataclass(frozen=True, slots=True)
class Closing:
    """Ends what begins things in the accounts of deleted teams, and what runs there. Again changes nothing."""

    database: Database

    async def reconcile(self, claim: Claim) -> float | None:
        """Close an account; again after a while, as long as something may begin in it."""
        account_id, read = claim.entity_id, self.database.read
        cause_event_id, seconds = await read(claim.actor, store.deleted_team, account_id=account_id)
        actor = Actor.of_service("execution", account_id, cause_event_id=cause_event_id)
        for trigger_id in await read(claim.actor, store.enabled_triggers, account_id=account_id):
            with suppress(TriggerNotFound):  # deleted meanwhile
                await self.database.write(actor, disable_trigger, trigger_id=trigger_id, etag="")
        for deployment_id in await read(claim.actor, store.live_deployments, account_id=account_id):
            with suppress(DeploymentNotFound):  # deleted meanwhile
                await self.database.write(actor, stop_deployment, deployment_id=deployment_id, etag="")
        for execution_id in await read(claim.actor, store.live_executions, account_id=account_id):
            with suppress(ExecutionEnded):
                await self.database.write(actor, cancel_execution, execution_id=execution_id, etag="")
        return LOOK if seconds < SETTLED else None
