"""HistoryService: what sessions printed, after the fact."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from google.api import httpbody_pb2
from stateroom.session.v1 import history_service_pb2 as pb

from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.history import convert
from services.session.history.domain import Place
from services.session.history.export import export
from services.session.history.search import search


@dataclass(frozen=True, slots=True)
class HistoryServicer:
    """Serves stateroom.session.v1.HistoryService."""

    database: Database
    pages: Pages

    async def ExportSession(self, request: pb.ExportSessionRequest, call: Call) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Stream a session as a file."""
        wish = convert.wish_from_proto(request)
        async with aclosing(export(self.database, call.actor, wish)) as pieces:
            async for piece in pieces:
                yield convert.body_of(piece, wish)

    async def SearchOutput(self, request: pb.SearchOutputRequest, call: Call) -> pb.SearchOutputResponse:
        """Return a page of lines in which something was printed."""
        page = self.pages.open(request, call.account_id)
        query = convert.query_from_proto(request)
        begin = Place.of(page.after_number) if page.after_number is not None else None
        found = await search(self.database, call.actor, query, page.size, begin)
        return pb.SearchOutputResponse(
            matches=map(convert.match_to_proto, found.matches),
            next_page_token=page.seal(found.rest.number) if found.rest is not None else "",
            searched_bytes=found.searched_bytes,
        )
