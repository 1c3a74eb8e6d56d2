"""ExecutionService: workflows that run, and have run."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.execution.executions import convert, queries
from services.execution.executions.domain import Execution, ExecutionSpec
from services.execution.executions.follow import Followers
from services.execution.executions.operations import cancel_execution
from services.execution.executions.queries import Place

BY_END = "end_time desc"


class Starter(Protocol):
    """Who starts executions, and ends them."""

    async def start(self, call: Call, spec: ExecutionSpec) -> Execution:
        """Start an execution, or return the one that an earlier call of the same request id started."""

    def drop(self, execution_id: UUID) -> None:
        """End what runs of an execution that was cancelled, and have who waits for its end look."""


@dataclass(frozen=True, slots=True)
class ExecutionServicer:
    """Serves stateroom.execution.v1.ExecutionService."""

    database: Database
    pages: Pages
    starter: Starter
    followers: Followers

    async def StartExecution(self, request: pb.StartExecutionRequest, call: Call) -> execution_pb2.Execution:
        """Start an execution."""
        execution = await self.starter.start(call, convert.spec_from_proto(request.execution))
        return convert.execution_to_proto(execution)

    async def GetExecution(self, request: pb.GetExecutionRequest, call: Call) -> execution_pb2.Execution:
        """Return an execution."""
        execution_id = ids.parse(request.execution_id)
        execution = await self.database.read(call.actor, queries.get_execution, execution_id=execution_id)
        return convert.execution_to_proto(execution)

    async def ListExecutions(self, request: pb.ListExecutionsRequest, call: Call) -> pb.ListExecutionsResponse:
        """Return a page of executions."""
        page = self.pages.open(request, call.account_id)
        wanted, limit = convert.filter_from_proto(request), page.limit
        if request.order_by == BY_END:
            place = Place.read(page.after) if page.after else None
            rows = await self.database.read(call.actor, queries.list_ended, wanted=wanted, limit=limit, after=place)
            shown, token = page.cut(rows, key=lambda execution: Place.of(execution).text)
        else:
            rows = await self.database.read(
                call.actor, queries.list_executions, wanted=wanted, limit=limit, after=page.after_id
            )
            shown, token = page.cut(rows, key=lambda execution: execution.execution_id)
        return pb.ListExecutionsResponse(executions=map(convert.execution_to_proto, shown), next_page_token=token)

    async def CancelExecution(self, request: pb.CancelExecutionRequest, call: Call) -> execution_pb2.Execution:
        """End an execution."""
        execution_id = ids.parse(request.execution_id)
        execution = await self.database.write(
            call.actor, cancel_execution, execution_id=execution_id, etag=request.etag
        )
        self.starter.drop(execution_id)
        return convert.execution_to_proto(execution)

    async def ListStepExecutions(
        self, request: pb.ListStepExecutionsRequest, call: Call
    ) -> pb.ListStepExecutionsResponse:
        """Return a page of the steps of an execution."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        rows = await self.database.read(
            call.actor,
            queries.list_steps,
            execution_id=ids.parse(request.execution_id),
            after=page.after_number or 0,
            limit=page.limit,
        )
        shown, token = page.cut(rows, key=lambda step: step.sequence)
        return pb.ListStepExecutionsResponse(steps=map(convert.step_to_proto, shown), next_page_token=token)

    async def WatchExecution(
        self, request: pb.WatchExecutionRequest, call: Call
    ) -> AsyncIterator[pb.WatchExecutionResponse]:
        """Stream what changes."""
        execution_id = ids.parse(request.execution_id)
        async for news in self.followers.news(call.actor, execution_id, request.after_sequence):
            yield pb.WatchExecutionResponse(
                execution=convert.execution_to_proto(news.execution),
                steps=map(convert.step_to_proto, news.steps),
                sequence=news.sequence,
            )
