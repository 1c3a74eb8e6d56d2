"""Operations on files as messages, and what runners answer as outcomes."""

from google.protobuf.message import Message
from stateroom.runner.v1 import file_service_pb2 as runner_pb
from stateroom.workspace.v1 import file_operation_pb2 as pb
from stateroom.workspace.v1.file_requests_pb2 import SearchFilesRequest

from chassis import messages
from services.workspace.files.domain import FileOperation, Outcome

_MATCHES = 1000
"""Matches of a search that does not say how many."""


def operation_to_proto(operation: FileOperation) -> pb.FileOperation:
    """Return an operation's form in change events."""
    message = pb.FileOperation(
        file_operation_id=str(operation.file_operation_id),
        workspace_id=str(operation.workspace_id),
        action=pb.FileOperation.Action.Value(operation.action.name),
        state=pb.FileOperation.State.Value(operation.state.name),
        path=operation.path,
        new_path=operation.new_path,
        etag=operation.etag,
        size_bytes=operation.size_bytes,
        file_count=operation.file_count,
        reason=operation.reason,
    )
    messages.set_times(message, operation, "create_time", "update_time")
    return message


def outcome_from_proto(message: Message) -> Outcome:
    """Return what an answer of a runner says about what was made."""
    return Outcome(getattr(message, "etag", ""), getattr(message, "size_bytes", 0), getattr(message, "file_count", 0))


def search_for_runner(request: SearchFilesRequest) -> runner_pb.SearchFilesRequest:
    """Return what a runner is to search for."""
    return runner_pb.SearchFilesRequest(
        path=request.path,
        query=request.query,
        regex=request.regex,
        ignore_case=request.ignore_case,
        names=request.names,
        limit=request.limit or _MATCHES,
    )
