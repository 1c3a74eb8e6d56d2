"""Lines as messages of the contract."""

from stateroom.execution.v1 import log_service_pb2 as pb

from chassis import messages
from services.execution.logs.domain import Level, Line


def line_to_proto(line: Line) -> pb.ExecutionLog:
    """Return the public form of a line."""
    message = pb.ExecutionLog(
        position=line.position,
        path=line.path,
        attempt=line.attempt,
        level=pb.ExecutionLog.Level.Value(line.level.name),
        message=line.message,
    )
    messages.set_times(message, line, "log_time")
    return message


def level_from_proto(level: pb.ExecutionLog.Level.ValueType) -> Level | None:
    """Return the level a filter names; None for no filter."""
    return messages.member(Level, pb.ExecutionLog.Level, level)
