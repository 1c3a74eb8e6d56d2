"""Deliveries that come in, from whoever shows by a signature that they may. The trigger is known before any account."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from google.api.httpbody_pb2 import HttpBody
from stateroom.api.v1 import policy_pb2

from chassis import database, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from chassis.rpc.call import Call
from chassis.sealing import Sealer
from chassis.system import SystemDatabase
from services.execution.engine.engine import Engine
from services.execution.expressions import Evaluation
from services.execution.triggers import inputs
from services.execution.triggers import queries as triggers
from services.execution.triggers.domain import Trigger, Webhook
from services.execution.triggers.errors import TriggerNotFound
from services.execution.triggers.operations import Decided
from services.execution.triggers.taking import take
from services.execution.webhooks import operations, queries
from services.execution.webhooks.domain import BODY, Delivery
from services.execution.webhooks.errors import DeliveryTooLarge, SignatureRefused
from services.execution.webhooks.operations import Prepared, Redelivering
from services.execution.webhooks.signatures import SIGNATURES, expect_signed

_TYPE = 255  # characters of a content type that are kept
_ACCOUNT = "SELECT account_id FROM triggers WHERE trigger_id = $1 AND type = 'WEBHOOK' AND delete_time IS NULL"


def place_of(account_id: UUID, trigger_id: UUID) -> tuple[str, ...]:
    """Return where the secret of a trigger is stored."""
    return "triggers", "secret", str(account_id), str(trigger_id)


@dataclass(frozen=True, slots=True)
class Receiving:
    """Takes deliveries for triggers of all accounts."""

    system: SystemDatabase
    database: Database
    evaluation: Evaluation
    sealer: Sealer
    engine: Engine

    async def receive(self, call: Call, trigger_id: UUID, content: HttpBody) -> tuple[Decided, UUID | None]:
        """Keep a delivery and decide about it; returns its id too, None of one that is forgotten.

        Raises:
            TriggerNotFound: nothing waits for deliveries there.
            SignatureRefused, DeliveryStale, DeliveryTooLarge, TriggerDisabled: it is told with the trigger.
        """
        account_id = await self._account(trigger_id)
        # Its sender is nobody we know by name: what the delivery does is done by the trigger.
        actor = replace(call.acting_in(account_id), subject=f"trigger:{trigger_id}")
        trigger = await self.database.read(actor, triggers.get_trigger, trigger_id=trigger_id)
        now = datetime.now(UTC)
        try:
            delivery = self._admitted(call, trigger, content, now)
        except DomainError as exc:
            refuse = operations.refuse_delivery
            await self.database.write(actor, refuse, trigger_id=trigger_id, now=now, error=exc)
            raise
        prepared = await self._prepared(trigger, delivery)
        decided, delivery_id = await self.database.write(
            actor, operations.accept_delivery, delivery=delivery, prepared=prepared, owner=self.engine.owner
        )
        take(self.engine, decided.started)
        return decided, delivery_id

    async def redeliver(self, actor: Actor, delivery_id: UUID) -> Delivery:
        """Decide about a delivery once more. DeliveryNotFound, TriggerNotFound, TriggerDisabled."""
        delivery = await self.database.read(actor, queries.get_delivery, delivery_id=delivery_id)
        trigger = await self.database.read(actor, triggers.get_trigger, trigger_id=delivery.trigger_id)
        prepared, redelivering = await self._prepared(trigger, delivery), Redelivering(self.engine.owner)
        redelivered = await self.database.write(
            actor, operations.redeliver, delivery_id=delivery_id, prepared=prepared, redelivering=redelivering
        )
        if redelivering.decided is not None:
            take(self.engine, redelivering.decided.started)
        return redelivered

    def _admitted(self, call: Call, trigger: Trigger, content: HttpBody, now: datetime) -> Delivery:
        if len(content.data) > BODY:
            raise DeliveryTooLarge(BODY)
        headers = _headers_of(call)
        if trigger.secret is None or not isinstance(trigger.config, Webhook):
            raise SignatureRefused
        secret = self.sealer.open(trigger.secret, *place_of(trigger.account_id, trigger.trigger_id)).decode()
        key = expect_signed(trigger.config.scheme, secret, headers, content.data, now)
        trigger.expect_enabled()
        kept = {name: value for name, value in headers.items() if name not in SIGNATURES}
        about = (ids.new(), trigger.account_id, trigger.trigger_id, key, kept, content.content_type[:_TYPE])
        return Delivery(*about, content.data, len(content.data), 0, now)

    async def _prepared(self, trigger: Trigger, delivery: Delivery) -> Prepared:
        expressions = self.evaluation.of(trigger.account_id)
        return Prepared(trigger, await inputs.of_event(trigger.inputs, delivery.event(), expressions))

    async def _account(self, trigger_id: UUID) -> UUID:
        try:
            async with self.system.connection() as connection:
                account_id: UUID | None = await connection.fetchval(_ACCOUNT, trigger_id)
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        if account_id is None:
            raise TriggerNotFound(trigger_id)
        return account_id


def _headers_of(call: Call) -> dict[str, str]:
    named = call.method.descriptor.GetOptions().Extensions[policy_pb2.request_headers]
    return {name: call.metadata[name] for name in named if name in call.metadata}
