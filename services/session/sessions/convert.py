"""Sessions and records as messages."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stateroom.runner.v1 import record_pb2
from stateroom.session.v1 import attach_pb2, exec_pb2, log_pb2
from stateroom.session.v1 import session_pb2 as pb

from chassis import etag, ids, messages
from services.session.sessions.domain import AttachedDevice, Kind, Session, SessionSpec, State
from services.session.sessions.log import Record, RecordType
from services.session.sessions.store.leases import Condition

DEFAULT_SHELL = "bash"
DEFAULT_COLUMNS, DEFAULT_ROWS = 80, 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def session_to_proto(session: Session) -> pb.Session:
    """Return a session's public form."""
    message = pb.Session(
        session_id=str(session.session_id),
        workspace_id=str(session.workspace_id),
        kind=pb.Session.Kind.Value(session.kind.name),
        state=pb.Session.State.Value(session.state.name),
        shell=session.shell,
        command=session.command,
        working_directory=session.working_directory,
        environment_names=session.environment_names,
        columns=session.columns,
        rows=session.rows,
        title=session.shown_title,
        metadata=session.metadata,
        exit_code=session.exit_code,
        exit_signal=session.exit_signal,
        stop_reason=stop_reason_to_proto(session),
        state_reason=session.state_reason,
        log_complete=session.log_complete,
        output_bytes=session.output_bytes,
        restarted_from="" if session.restarted_from is None else str(session.restarted_from),
        etag=etag.of(session),
    )
    if session.timeout is not None:
        message.timeout.FromTimedelta(session.timeout)
    times = ("end_time", "create_time", "update_time", "last_activity_time", "idle_end_time")
    messages.set_times(message, session, *times)
    return message


def spec_from_proto(session_id: UUID, message: pb.Session, environment_names: Iterable[str]) -> SessionSpec:
    """Return what a new session is to be, with what is not said."""
    return SessionSpec(
        session_id=session_id,
        workspace_id=ids.parse(message.workspace_id),
        kind=kind_from_proto(message.kind) or Kind.TERMINAL,
        shell=message.shell or ("" if message.command else DEFAULT_SHELL),
        command=tuple(message.command),
        timeout=message.timeout.ToTimedelta() if message.HasField("timeout") else None,
        title=message.title,
        metadata=dict(message.metadata),
        working_directory=message.working_directory,
        environment_names=tuple(sorted(environment_names)),
        columns=message.columns or DEFAULT_COLUMNS,
        rows=message.rows or DEFAULT_ROWS,
    )


def session_of_command(request: exec_pb2.ExecCommandRequest) -> pb.Session:
    """Return the session that a command runs in, as its creator would ask for it."""
    return pb.Session(
        workspace_id=request.workspace_id,
        kind=pb.Session.COMMAND,
        command=request.command,
        working_directory=request.working_directory,
        timeout=request.timeout if request.HasField("timeout") else None,
    )


def output_of_command(part: log_pb2.StreamOutputResponse) -> exec_pb2.ExecCommandResponse:
    """Return a run of a session's output as that of a command."""
    return exec_pb2.ExecCommandResponse(output=exec_pb2.ExecCommandResponse.Output(offset=part.offset, data=part.data))


def values_from_proto(message: pb.Session, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a session holds them."""
    held: dict[str, object] = {
        "workspace_id": ids.parse(message.workspace_id) if message.workspace_id else None,
        "kind": kind_from_proto(message.kind) or Kind.TERMINAL,
        "command": tuple(message.command),
        "timeout": message.timeout.ToTimedelta() if message.HasField("timeout") else None,
        "environment": dict(message.environment),
        "metadata": dict(message.metadata),
    }
    return {name: held[name] if name in held else getattr(message, name) for name in names}


def stop_reason_to_proto(session: Session) -> pb.Session.StopReason.ValueType:
    """Return why a session ended; unset while it lives."""
    if session.stop_reason is None:
        return pb.Session.STOP_REASON_UNSPECIFIED
    return pb.Session.StopReason.Value(session.stop_reason.name)


def state_from_proto(state: pb.Session.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Session.State, state)


def kind_from_proto(kind: pb.Session.Kind.ValueType) -> Kind | None:
    """Return the kind a filter names; None for no filter."""
    return messages.member(Kind, pb.Session.Kind, kind)


def attachment_to_proto(device: AttachedDevice) -> attach_pb2.Attachment:
    """Return an attached device's public form."""
    message = attach_pb2.Attachment(
        attachment_id=str(device.attachment_id),
        session_id=str(device.session_id),
        user_id="" if device.subject.startswith("link:") else device.subject,
        person=device.person,
        device=device.device,
        role=attach_pb2.CONTROLLER if device.controls else attach_pb2.OBSERVER,
        columns=device.columns,
        rows=device.rows,
        acknowledged_offset=device.acknowledged_offset,
    )
    messages.set_times(message, device, "attach_time")
    return message


def condition_to_proto(condition: Condition) -> attach_pb2.AttachSessionResponse.Condition:
    """Return what a device is told of what its session waits for."""
    message = attach_pb2.AttachSessionResponse.Condition(paused=condition.paused)
    messages.set_times(message, condition, "idle_end_time")
    return message


def record_to_proto(record: Record) -> log_pb2.SessionEvent:
    """Return a record's public form."""
    message = log_pb2.SessionEvent(
        sequence=record.sequence,
        offset=record.offset,
        type=log_pb2.SessionEvent.Type.Value(record.type.name),
        data=record.data if record.type is RecordType.OUTPUT else b"",
        columns=record.columns,
        rows=record.rows,
        title=record.data.decode("utf-8", "replace") if record.type is RecordType.TITLE else "",
        exit_code=record.exit_code,
        exit_signal=record.exit_signal,
    )
    messages.set_times(message, record, "time")
    return message


def record_from_runner(message: record_pb2.Record) -> Record:
    """Return a record as the runner sent it. Output, which is most of what comes, has nothing but its bytes."""
    time = _EPOCH + timedelta(seconds=message.time.seconds, microseconds=message.time.nanos // 1000)
    record = Record(message.sequence, message.offset, time, RecordType(message.type), message.data)
    if record.type is RecordType.OUTPUT:
        return record
    return replace(
        record,
        columns=message.columns,
        rows=message.rows,
        exit_code=message.exit_code if message.HasField("exit_code") else None,
        exit_signal=message.exit_signal if message.HasField("exit_signal") else None,
        reason=message.reason,
    )
