"""LogService: what the steps of executions say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from stateroom.execution.v1 import log_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.execution.logs import convert, queries
from services.execution.logs.follow import LogFollowers
from services.execution.logs.queries import Filter


@dataclass(frozen=True, slots=True)
class LogServicer:
    """Serves stateroom.execution.v1.LogService."""

    database: Database
    pages: Pages
    followers: LogFollowers

    async def ListExecutionLogs(self, request: pb.ListExecutionLogsRequest, call: Call) -> pb.ListExecutionLogsResponse:
        """Return a page of lines."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        rows = await self.database.read(
            call.actor, queries.list_lines, wanted=_wanted(request), after=page.after_number or 0, limit=page.limit
        )
        shown, token = page.cut(rows, key=lambda line: line.position)
        return pb.ListExecutionLogsResponse(logs=map(convert.line_to_proto, shown), next_page_token=token)

    async def StreamExecutionLogs(
        self, request: pb.StreamExecutionLogsRequest, call: Call
    ) -> AsyncIterator[pb.StreamExecutionLogsResponse]:
        """Stream lines."""
        async for lines in self.followers.lines(call.actor, _wanted(request), request.after_position):
            yield pb.StreamExecutionLogsResponse(logs=map(convert.line_to_proto, lines), position=lines[-1].position)


def _wanted(request: pb.ListExecutionLogsRequest | pb.StreamExecutionLogsRequest) -> Filter:
    return Filter(ids.parse(request.execution_id), request.path, convert.level_from_proto(request.level))
