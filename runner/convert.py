"""Between the terminals and the contract's messages; pure."""

from google.protobuf.timestamp_pb2 import Timestamp
from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from runner.agents.agents import AgentOrder
from runner.clone import Progress
from runner.errands import Errand
from runner.record import Record, RecordType, exit_of, size_of
from runner.terminal import Size, Terminal
from runner.terminals import LeftTerminal, Order

_NANOSECONDS = 1_000_000_000
_TYPES = {each: record_pb2.Record.Type.Value(each.name) for each in RecordType}


def order_from_proto(request: pb.OpenTerminalRequest) -> Order:
    """Return what the request asks for."""
    return Order(
        request.session_id,
        Size(request.columns, request.rows),
        shell=request.shell,
        command=tuple(request.command),
        piped=request.piped,
        working_directory=request.working_directory,
        environment=dict(request.environment),
        secrets={name: request.environment[name].encode() for name in request.secret_names},
        errand=Errand(request.errand.program, request.errand.order) if request.HasField("errand") else None,
    )


def agent_order_from_proto(request: pb.OpenTerminalRequest) -> AgentOrder:
    """Return the agent that the request asks for."""
    wanted = request.agent
    return AgentOrder(order_from_proto(request), wanted.preset, dict(wanted.settings), wanted.conversation_id)


def terminal_to_proto(terminal: Terminal | LeftTerminal) -> pb.Terminal:
    """Return the message of a terminal."""
    message = pb.Terminal(
        session_id=terminal.session_id,
        end_sequence=terminal.spool.end_sequence,
        end_offset=terminal.spool.end_offset,
        acknowledged_sequence=terminal.spool.acknowledged_sequence,
        columns=terminal.size.columns,
        rows=terminal.size.rows,
    )
    if isinstance(terminal, Terminal):
        message.running = terminal.running
        message.process_id = terminal.process_id
        message.lease_epoch = terminal.input.epoch
        message.paused = terminal.paused
    return message


def records_to_proto(records: list[Record]) -> record_pb2.StreamRecordsResponse:
    """Return one message with all the records."""
    response = record_pb2.StreamRecordsResponse()
    for record in records:
        _add(response, record)
    return response


def _add(response: record_pb2.StreamRecordsResponse, record: Record) -> None:
    message = response.records.add(sequence=record.sequence, offset=record.offset, type=_TYPES[record.type])
    message.time.seconds, message.time.nanos = divmod(record.time, _NANOSECONDS)
    if record.type is RecordType.RESIZE:
        message.columns, message.rows = size_of(record)
    elif record.type is RecordType.EXIT:
        ended = exit_of(record)
        message.reason = ended.reason
        if ended.code is not None:
            message.exit_code = ended.code
        if ended.signal is not None:
            message.exit_signal = ended.signal
    else:
        message.data = record.body


def progress_to_proto(progress: Progress) -> pb.PrepareResponse:
    """Return the message of a preparation's progress."""
    done = progress.branch is not None
    return pb.PrepareResponse(step=progress.step, percent=progress.percent, done=done, branch=progress.branch or "")


def time_to_proto(nanoseconds: int) -> Timestamp:
    """Return a time given in nanoseconds since 1970."""
    return Timestamp(seconds=nanoseconds // _NANOSECONDS, nanos=nanoseconds % _NANOSECONDS)
