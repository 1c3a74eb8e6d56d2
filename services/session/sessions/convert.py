"""Sessions and records as messages."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stateroom.agent.v1 import agent_event_pb2
from stateroom.runner.v1 import record_pb2
from stateroom.session.v1 import attach_pb2, coding_agent_pb2, exec_pb2, log_pb2
from stateroom.session.v1 import session_pb2 as pb
from stateroom.terminal.v1.screen_pb2 import Progress, Screen

from chassis import etag, ids, messages
from services.session.sessions.attached import AttachedDevice
from services.session.sessions.domain import Session, State
from services.session.sessions.log import Range, Record, RecordType
from services.session.sessions.spec import Kind, SessionSpec
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
        secret_names=session.secret_names,
        exit_code=session.exit_code,
        exit_signal=session.exit_signal,
        stop_reason=stop_reason_to_proto(session),
        state_reason=session.state_reason,
        log_complete=session.log_complete,
        output_bytes=session.output_bytes,
        restarted_from="" if session.restarted_from is None else str(session.restarted_from),
        deleted_by=str(session.deleted_by or ""),
        etag=etag.of(session),
    )
    if session.kind is Kind.AGENT:
        message.agent.CopyFrom(coding_agent_pb2.CodingAgentSession(**session.agent))
    if session.parent_session_id is not None:
        message.parent_session_id = str(session.parent_session_id)
    if session.timeout is not None:
        message.timeout.FromTimedelta(session.timeout)
    life = ("create_time", "update_time", "end_time", "delete_time", "purge_time")
    messages.set_times(message, session, *life, "last_activity_time", "idle_end_time")
    return message


def spec_from_proto(session_id: UUID, message: pb.Session, environment_names: Iterable[str]) -> SessionSpec:
    """Return what a new session is to be, with what is not said."""
    return SessionSpec(
        session_id=session_id,
        workspace_id=ids.parse(message.workspace_id),
        kind=kind_from_proto(message.kind) or Kind.TERMINAL,
        shell=message.shell or _shell(message),
        command=tuple(message.command),
        timeout=message.timeout.ToTimedelta() if message.HasField("timeout") else None,
        title=message.title,
        metadata=dict(message.metadata),
        working_directory=message.working_directory,
        environment_names=tuple(sorted(environment_names)),
        columns=message.columns or DEFAULT_COLUMNS,
        rows=message.rows or DEFAULT_ROWS,
        secret_names=tuple(sorted(message.secret_names)),
        agent=_agent(message),
    )


def _shell(message: pb.Session) -> str:
    """Return the shell of who asks for none."""
    other = message.command or message.HasField("agent") or message.kind == pb.Session.EDITOR
    return "" if other else DEFAULT_SHELL


def _agent(message: pb.Session) -> dict[str, str]:
    """Return what is asked of an agent; what only the server sets is left out."""
    names = ("preset", "mode", "model", "continues_session_id", "context_id")
    return {name: value for name in names if (value := getattr(message.agent, name))}


def session_of_command(request: exec_pb2.ExecCommandRequest) -> pb.Session:
    """Return the session that a command runs in, as its creator would ask for it."""
    return pb.Session(
        workspace_id=request.workspace_id,
        kind=pb.Session.COMMAND,
        command=request.command,
        working_directory=request.working_directory,
        timeout=request.timeout if request.HasField("timeout") else None,
        secret_names=request.secret_names,
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
        "secret_names": tuple(sorted(message.secret_names)),
        "agent": _agent(message),
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
        progress=Progress.FromString(record.data) if record.type is RecordType.PROGRESS else None,
    )
    if record.type is RecordType.AGENT:
        message.agent_event.CopyFrom(agent_event_to_proto(record))
    if record.type is RecordType.EDITOR:
        message.editor_event.ParseFromString(record.data)
    messages.set_times(message, record, "time")
    return message


def agent_event_to_proto(record: Record) -> agent_event_pb2.AgentEvent:
    """Return the public form of what happened with an agent: of who did it, others see no more than the person."""
    event = agent_event_pb2.AgentEvent.FromString(record.data)
    if event.HasField("author"):
        event.author.CopyFrom(agent_event_pb2.Author(user_id=event.author.user_id, person=event.author.person))
    return event


def agent_happened_to_proto(record: Record) -> attach_pb2.AttachSessionResponse.AgentHappened:
    """Return what happened with an agent, as devices are told."""
    message = attach_pb2.AttachSessionResponse.AgentHappened(
        sequence=record.sequence, event=agent_event_to_proto(record)
    )
    messages.set_times(message, record, "time")
    return message


def record_to_device(record: Record) -> attach_pb2.AttachSessionResponse | None:
    """Return what a device is told of a record that is no output; None for what is no news to it."""
    response = attach_pb2.AttachSessionResponse
    match record.type:
        case RecordType.RESIZE:
            return response(resized=response.Resized(columns=record.columns, rows=record.rows))
        case RecordType.TITLE:
            return response(title_changed=response.TitleChanged(title=record.data.decode("utf-8", "replace")))
        case RecordType.BELL:
            return response(bell=response.Bell())
        case RecordType.PROGRESS:
            return response(progress=Progress.FromString(record.data))
        case RecordType.AGENT:
            return response(agent_happened=agent_happened_to_proto(record))
    return None


def screen_from_runner(data: bytes, *, text: bool) -> Screen:
    """Return a screen as the runner kept it, with its text if that is wanted."""
    screen = Screen.FromString(data)
    if not text:
        screen.ClearField("text")
    return screen


def range_from_proto(request: log_pb2.ListSessionEventsRequest, shown: int | None) -> Range:
    """Return which records a list is for, after those that earlier pages have shown."""
    return Range(
        after=request.after_sequence if shown is None else shown,
        before=request.before_sequence or None,
        start_time=request.start_time.ToDatetime(UTC) if request.HasField("start_time") else None,
        end_time=request.end_time.ToDatetime(UTC) if request.HasField("end_time") else None,
        types=frozenset(RecordType[log_pb2.SessionEvent.Type.Name(kind)] for kind in request.types),
    )


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
