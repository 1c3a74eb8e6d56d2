"""UsageService: what steps use of language models."""

from dataclasses import dataclass

from stateroom.execution.v1 import usage_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.usage import convert, queries


@dataclass(frozen=True, slots=True)
class UsageServicer:
    """Serves stateroom.execution.v1.UsageService."""

    database: Database
    pages: Pages

    async def ListModelUses(self, request: pb.ListModelUsesRequest, call: Call) -> pb.ListModelUsesResponse:
        """Return a page of uses, and what all took."""
        page = self.pages.open(request, call.account_id)
        rows, total = await self.database.read(
            call.actor,
            queries.list_uses,
            execution_id=ids.parse(request.execution_id),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda use: use.model_use_id)
        return pb.ListModelUsesResponse(
            model_uses=map(convert.use_to_proto, shown),
            total=convert.total_to_proto(total),
            next_page_token=token,
        )
