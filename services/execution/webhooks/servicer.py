"""WebhookService: deliveries that start executions."""

from dataclasses import dataclass

from stateroom.execution.v1 import trigger_pb2
from stateroom.execution.v1 import webhook_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from chassis.sealing import Sealer
from services.execution.triggers.convert import trigger_to_proto
from services.execution.webhooks import convert, operations, queries
from services.execution.webhooks.receiving import Receiving, place_of
from services.execution.webhooks.signatures import new_secret


@dataclass(frozen=True, slots=True)
class WebhookServicer:
    """Serves stateroom.execution.v1.WebhookService."""

    database: Database
    pages: Pages
    receiving: Receiving
    sealer: Sealer

    async def ReceiveDelivery(self, request: pb.ReceiveDeliveryRequest, call: Call) -> pb.ReceiveDeliveryResponse:
        """Take a delivery."""
        trigger_id = ids.parse(request.trigger_id)
        decided, delivery_id = await self.receiving.receive(call, trigger_id, request.content)
        occurrence = decided.occurrence
        return pb.ReceiveDeliveryResponse(
            delivery_id=str(delivery_id or ""),
            decision=trigger_pb2.Occurrence.Decision.Value(occurrence.decision.name),
            reason=occurrence.reason,
            execution_id=str(occurrence.execution_id or ""),
        )

    async def RenewWebhookSecret(
        self, request: pb.RenewWebhookSecretRequest, call: Call
    ) -> pb.RenewWebhookSecretResponse:
        """Give a trigger a new secret, which is answered once."""
        trigger_id, secret = ids.parse(request.trigger_id), new_secret()
        sealed = self.sealer.seal(secret.encode(), *place_of(call.account_id, trigger_id))
        trigger = await self.database.write(
            call.actor, operations.renew_secret, trigger_id=trigger_id, secret=sealed, etag=request.etag
        )
        shown = secret if trigger.secret == sealed else ""
        return pb.RenewWebhookSecretResponse(trigger=trigger_to_proto(trigger), secret=shown)

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, call: Call) -> pb.ListDeliveriesResponse:
        """Return a page of deliveries."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_deliveries,
            trigger_id=ids.parse(request.trigger_id),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda delivery: delivery.delivery_id)
        return pb.ListDeliveriesResponse(deliveries=map(convert.delivery_to_proto, shown), next_page_token=token)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, call: Call) -> pb.Delivery:
        """Return a delivery."""
        delivery_id = ids.parse(request.delivery_id)
        delivery = await self.database.read(call.actor, queries.get_delivery, delivery_id=delivery_id)
        return convert.delivery_to_proto(delivery)

    async def RedeliverDelivery(self, request: pb.RedeliverDeliveryRequest, call: Call) -> pb.Delivery:
        """Decide about a delivery once more."""
        return convert.delivery_to_proto(await self.receiving.redeliver(call.actor, ids.parse(request.delivery_id)))
