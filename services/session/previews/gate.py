"""PreviewGateService: browsers at the origins of previews, for whom the gateway speaks."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from stateroom.session.v1 import preview_gate_pb2 as pb
from stateroom.session.v1 import preview_service_pb2

from chassis import ids
from chassis.actor import Actor
from chassis.errors import InvalidField, Violation
from chassis.rpc.call import Call
from chassis.rpc.token_cache import RECHECK_MAX_AGE
from services.session.previews.live.connections import Connections
from services.session.previews.live.passes import Passes


@dataclass(frozen=True, slots=True)
class PreviewGateServicer:
    """Serves stateroom.session.v1.PreviewGateService."""

    passes: Passes
    connections: Connections

    async def RedeemPreviewTicket(
        self, request: pb.RedeemPreviewTicketRequest, call: Call
    ) -> pb.RedeemPreviewTicketResponse:
        """Exchange a ticket for a pass."""
        text, expire_time = await self.passes.redeem(
            ids.parse(request.preview_id), request.ticket, correlation_id=call.correlation_id
        )
        response = pb.RedeemPreviewTicketResponse(visitor_pass=text)
        response.expire_time.FromDatetime(expire_time)
        return response

    async def VisitPreview(
        self, requests: AsyncIterator[pb.VisitPreviewRequest], call: Call
    ) -> AsyncGenerator[preview_service_pb2.ConnectPreviewResponse, None]:
        """Connect the holder of a pass to a preview's server."""
        first = await anext(requests, pb.VisitPreviewRequest())
        if not first.HasField("visit"):
            raise InvalidField(Violation("visit", "the first message must be visit"))
        preview_id, shown = ids.parse(first.visit.preview_id), first.visit.visitor_pass

        async def allowed() -> object:
            return await self.passes.account_of(preview_id, shown, max_age=RECHECK_MAX_AGE)

        account_id = await self.passes.account_of(preview_id, shown)
        actor = Actor.of_service("session", account_id, correlation_id=call.correlation_id)
        async with aclosing(self.connections.serve(actor, preview_id, requests, allowed)) as responses:
            async for response in responses:
                yield response
