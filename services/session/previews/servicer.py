"""PreviewService: servers in workspaces."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from stateroom.session.v1 import preview_pb2
from stateroom.session.v1 import preview_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.errors import InvalidField, Violation
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.previews import convert, operations, queries
from services.session.previews.domain import Preview
from services.session.previews.live.connections import Connections
from services.session.previews.live.passes import mint_ticket
from services.session.previews.live.starting import Starter


@dataclass(frozen=True, slots=True)
class PreviewServicer:
    """Serves stateroom.session.v1.PreviewService."""

    database: Database
    pages: Pages
    starter: Starter
    connections: Connections
    base_url: str
    """Below its host previews have their origins."""
    wake_sessions: Callable[[], None]

    async def CreatePreview(self, request: pb.CreatePreviewRequest, call: Call) -> preview_pb2.Preview:
        """Make a preview and start its command."""
        return self._shown(await self.starter.create(call.actor, request.preview))

    async def GetPreview(self, request: pb.GetPreviewRequest, call: Call) -> preview_pb2.Preview:
        """Return a preview."""
        preview_id = ids.parse(request.preview_id)
        return self._shown(await self.database.read(call.actor, queries.get_preview, preview_id=preview_id))

    async def ListPreviews(self, request: pb.ListPreviewsRequest, call: Call) -> pb.ListPreviewsResponse:
        """Return a page of the account's previews."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_previews,
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            context_id=ids.parse(request.context_id) if request.context_id else None,
            state=convert.state_from_proto(request.state),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda preview: preview.preview_id)
        return pb.ListPreviewsResponse(previews=map(self._shown, shown), next_page_token=token)

    async def StopPreview(self, request: pb.StopPreviewRequest, call: Call) -> preview_pb2.Preview:
        """Stop a preview."""
        preview_id = ids.parse(request.preview_id)
        stopped = await self.database.write(
            call.actor, operations.stop_preview, preview_id=preview_id, etag=request.etag
        )
        self.wake_sessions()
        return self._shown(stopped)

    async def RestartPreview(self, request: pb.RestartPreviewRequest, call: Call) -> preview_pb2.Preview:
        """Start a preview again."""
        preview_id = ids.parse(request.preview_id)
        return self._shown(await self.starter.restart(call.actor, preview_id, request.environment, request.etag))

    async def DeletePreview(self, request: pb.DeletePreviewRequest, call: Call) -> preview_pb2.Preview:
        """Stop a preview and forget it."""
        preview_id = ids.parse(request.preview_id)
        deleted = await self.database.write(
            call.actor, operations.delete_preview, preview_id=preview_id, etag=request.etag
        )
        self.wake_sessions()
        return self._shown(deleted)

    async def OpenPreview(self, request: pb.OpenPreviewRequest, call: Call) -> pb.OpenPreviewResponse:
        """Return an address that opens a preview once."""
        ticket = mint_ticket()
        preview, expire_time = await self.database.write(
            replace(call.actor, repeat=None),
            operations.issue_ticket,
            preview_id=ids.parse(request.preview_id),
            ticket=ticket,
        )
        url = f"{convert.url_of(preview, self.base_url)}?{convert.TICKET_PARAMETER}={ticket.text}"
        response = pb.OpenPreviewResponse(url=url)
        response.expire_time.FromDatetime(expire_time)
        return response

    async def ConnectPreview(
        self, requests: AsyncIterator[pb.ConnectPreviewRequest], call: Call
    ) -> AsyncGenerator[pb.ConnectPreviewResponse, None]:
        """Connect to a preview's server."""
        first = await anext(requests, pb.ConnectPreviewRequest())
        if not first.HasField("connect"):
            raise InvalidField(Violation("connect", "the first message must be connect"))
        preview_id = ids.parse(first.connect.preview_id)
        async with aclosing(self.connections.serve(call.actor, preview_id, requests)) as responses:
            async for response in responses:
                yield response

    def _shown(self, preview: Preview) -> preview_pb2.Preview:
        """Return a preview's public form."""
        return convert.preview_to_proto(preview, self.base_url)
