"""What the events of an agent's log change beside it, in the transaction that stores them."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis.actor import Actor
from chassis.database import Transaction
from services.session.agents import saying, store
from services.session.agents.domain import Permission, PermissionState, Turn, TurnState
from services.session.sessions.domain import Session
from services.session.sessions.log import Copy, Record, RecordType
from services.session.sessions.spec import Kind, SessionSpec
from services.session.sessions.store import session_store


@dataclass(slots=True)
class Noting:
    """One event on its way into notes."""

    tx: Transaction
    session: Session
    record: Record
    process: int
    """The service process that copies the sessions which begin."""


async def note(tx: Transaction, session: Session, copy: Copy, *, process: int) -> list[Session]:
    """Note what an agent's events mean; returns the sessions that it opened."""
    noting, begun, service = Noting(tx, session, copy.records[0], process), [], tx.actor
    for record in copy.records:
        if record.type is not RecordType.AGENT:
            continue
        event = pb.AgentEvent.FromString(record.data)
        kind = event.WhichOneof("event")
        noted = _NOTED.get(kind or "")
        if noted is None:
            continue
        noting.record = record
        tx.actor = _actor(service, event) if event.HasField("author") else service
        opened = await noted(noting, getattr(event, str(kind)), event.author)
        if opened is not None:
            begun.append(opened)
    tx.actor = service
    return begun


def concerns(record: Record) -> bool:
    """Whether a record is noted; what an agent says and thinks, which is most of it, is not."""
    return record.type is RecordType.AGENT and pb.AgentEvent.FromString(record.data).WhichOneof("event") in _NOTED


async def end(tx: Transaction, session: Session) -> None:
    """Note that nothing more comes: turns end, and nobody can answer any more."""
    for turn in await store.open_turns(tx.connection, session.session_id):
        await _change_turn(tx, "ended", turn, turn.end(tx.now, "agent_ended"))
    for permission in await store.pending_permissions(tx.connection, session.session_id):
        await _answer(tx, permission, permission.answer(tx.now, "", ""))


async def _prompted(noting: Noting, prompt: pb.Prompt, author: pb.Author) -> None:
    if await store.get_turn(noting.tx.connection, UUID(prompt.turn_id)) is not None:
        return  # repeated after so long that the runner had forgotten it
    text = prompt.text.encode()
    turn = Turn(
        turn_id=UUID(prompt.turn_id),
        account_id=noting.session.account_id,
        session_id=noting.session.session_id,
        state=TurnState.RUNNING,
        subject=author.user_id,
        prompt_sha256=hashlib.sha256(text).digest(),
        prompt_bytes=len(text),
        sequence=noting.record.sequence,
        end_reason="",
        version=1,
        create_time=noting.record.time,
        end_time=None,
    )
    await store.insert_turn(noting.tx.connection, turn)
    noting.tx.record("prompted", after=turn)
    await saying.say_prompt(noting.tx, noting.session, prompt, author)


async def _cancelled(noting: Noting, cancel: pb.Cancel, _author: pb.Author) -> None:
    turn = await store.get_turn(noting.tx.connection, UUID(cancel.turn_id))
    if turn is not None and turn.state is TurnState.RUNNING:
        await _change_turn(noting.tx, "cancelled", turn, turn.cancel())


async def _ended(noting: Noting, ended: pb.TurnEnd, _author: pb.Author) -> None:
    turn = await store.get_turn(noting.tx.connection, UUID(ended.turn_id))
    if turn is not None and turn.state is not TurnState.ENDED:
        await _change_turn(noting.tx, "ended", turn, turn.end(noting.record.time, ended.reason.replace("\0", "")))
        await saying.say_answer(noting.tx, noting.session, turn, noting.record.sequence)


async def _asked(noting: Noting, request: pb.PermissionRequest, _author: pb.Author) -> None:
    permission = Permission(
        permission_id=UUID(request.permission_id),
        account_id=noting.session.account_id,
        session_id=noting.session.session_id,
        turn_id=UUID(request.turn_id) if request.turn_id else None,
        state=PermissionState.PENDING,
        title=request.tool_call.title.replace("\0", ""),
        kind=request.tool_call.kind.replace("\0", ""),
        options=[_option(option) for option in request.options],
        option_id="",
        subject="",
        sequence=noting.record.sequence,
        version=1,
        create_time=noting.record.time,
        end_time=None,
    )
    await store.insert_permission(noting.tx.connection, permission)
    noting.tx.record("requested", after=permission)


async def _answered(noting: Noting, answer: pb.PermissionAnswer, author: pb.Author) -> None:
    permission = await store.get_permission(noting.tx.connection, UUID(answer.permission_id))
    if permission is not None and permission.state is PermissionState.PENDING:
        answered = permission.answer(noting.record.time, answer.option_id.replace("\0", ""), author.user_id)
        await _answer(noting.tx, permission, answered)


async def _ready(noting: Noting, ready: pb.Ready, _author: pb.Author) -> None:
    told = {setting.setting_id: setting.value for setting in ready.settings}
    await _tell(noting, told | {"conversation_id": ready.conversation_id})


async def _set(noting: Noting, setting: pb.Setting, _author: pb.Author) -> None:
    await _tell(noting, {setting.setting_id: setting.value})


async def _opened(noting: Noting, terminal: pb.Terminal, _author: pb.Author) -> Session | None:
    """Begin the session of a terminal that the agent opened; it runs already, and counts against no limit."""
    parent, tx = noting.session, noting.tx
    spec = SessionSpec(
        session_id=UUID(terminal.session_id),
        workspace_id=parent.workspace_id,
        kind=Kind.COMMAND,
        shell="",
        command=tuple(word.replace("\0", "") for word in terminal.command),
        timeout=None,
        title="",
        metadata={},
        working_directory=terminal.working_directory.replace("\0", ""),
        environment_names=tuple(terminal.environment_names),
        columns=80,
        rows=24,
        parent_session_id=parent.session_id,
    )
    starting = Session.create(tx.now, parent.account_id, spec)
    await session_store.insert_session(tx.connection, starting, copier_process=noting.process, due=tx.now)
    tx.record("created", after=starting)
    active = starting.activate(tx.now, parent.runner_id)
    await session_store.update_session(tx.connection, active, due=None)
    tx.record("started", before=starting, after=active)
    return active


async def _tell(noting: Noting, told: dict[str, str]) -> None:
    clean = {name: value.replace("\0", "") for name, value in told.items()}
    known = noting.session.tell_of_agent(noting.tx.now, clean)
    if known is not noting.session:
        await session_store.update_details(noting.tx.connection, known)
        noting.tx.record("updated", before=noting.session, after=known)
        noting.session = known


async def _change_turn(tx: Transaction, type_: str, before: Turn, after: Turn) -> None:
    await store.update_turn(tx.connection, after)
    tx.record(type_, before=before, after=after)


async def _answer(tx: Transaction, before: Permission, after: Permission) -> None:
    await store.update_permission(tx.connection, after)
    tx.record("answered" if after.option_id else "withdrawn", before=before, after=after)


def _option(option: pb.PermissionRequest.Option) -> dict[str, str]:
    return {name: getattr(option, name).replace("\0", "") for name in ("option_id", "name", "kind")}


def _actor(service: Actor, event: pb.AgentEvent) -> Actor:
    """Return who asked something of the agent, as the request said it that brought it."""
    author = event.author
    return replace(
        service,
        subject=author.user_id or service.subject,
        credential_id=author.credential_id,
        correlation_id=author.request_id,
        ip_address=author.ip_address,
        user_agent=author.user_agent,
    )


_NOTED: dict[str, Callable[[Noting, Any, pb.Author], Awaitable[Session | None]]] = {
    "prompt": _prompted,
    "cancel": _cancelled,
    "turn_end": _ended,
    "permission_request": _asked,
    "permission_answer": _answered,
    "ready": _ready,
    "setting": _set,
    "terminal": _opened,
}
"""What is noted, by the kind of event."""
