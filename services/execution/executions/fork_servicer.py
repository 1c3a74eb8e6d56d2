"""ForkService: executions that go on from others."""

from dataclasses import dataclass
from typing import Protocol

from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import fork_service_pb2 as pb

from chassis.rpc.call import Call
from services.execution.executions import convert, fork_convert
from services.execution.executions.domain import Execution
from services.execution.executions.forks import Fork


class Forker(Protocol):
    """Who starts executions that go on from others."""

    async def fork(self, call: Call, fork: Fork) -> Execution:
        """Start one, or return the one that an earlier call of the same request id started."""


@dataclass(frozen=True, slots=True)
class ForkServicer:
    """Serves stateroom.execution.v1.ForkService."""

    forker: Forker

    async def RetryExecution(self, request: pb.RetryExecutionRequest, call: Call) -> execution_pb2.Execution:
        """Go on where an execution ended."""
        return convert.execution_to_proto(await self.forker.fork(call, fork_convert.retry_from_proto(request)))

    async def ForkExecution(self, request: pb.ForkExecutionRequest, call: Call) -> execution_pb2.Execution:
        """Go on at a step of an execution."""
        return convert.execution_to_proto(await self.forker.fork(call, fork_convert.fork_from_proto(request)))
