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
from services.execution.executions.domain import Execution
from services.execution.executions.follow import Followers
from services.execution.executions.operations import ExecutionSpec, cancel_execution


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
        rows = await self.database.read(
            call.actor,
            queries.list_executions,
            workflow_id=convert.id_from_proto(request.workflow_id),
            agent_id=convert.id_from_proto(request.agent_id),
            parent_execution_id=convert.id_from_proto(request.parent_execution_id),
            state=convert.state_from_proto(request.state),
            limit=page.limit,
            after=page.after_id,
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
