"""Messages of the contract as forks."""

from stateroom.execution.v1 import fork_service_pb2 as pb

from chassis import ids
from services.execution.executions.convert import input_from_proto, value_from_proto
from services.execution.executions.forks import Fork, Given


def retry_from_proto(request: pb.RetryExecutionRequest) -> Fork:
    """Return what somebody wants to try again."""
    return Fork(ids.new(), ids.parse(request.execution_id), request.path, is_retry=True)


def fork_from_proto(request: pb.ForkExecutionRequest) -> Fork:
    """Return what somebody wants to go on from. InvalidField when what is given cannot be kept."""
    origin_execution_id, given = ids.parse(request.execution_id), None
    match request.WhichOneof("instead"):
        case "input":
            given = Given(input_from_proto(request.input, "input"), is_output=False)
        case "output":
            given = Given(value_from_proto(request.output, "output"), is_output=True)
    return Fork(ids.new(), origin_execution_id, request.path, is_retry=False, given=given)
