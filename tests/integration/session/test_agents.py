"""Coding agents in sessions: one log, several devices, and one answer to each question."""

import asyncio
import hashlib
from typing import Any

import grpc
import pytest
from stateroom.agent.v1 import agent_event_pb2
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.session.v1 import attach_pb2, coding_agent_pb2, log_pb2, session_pb2, session_service_pb2
from stateroom.session.v1 import coding_agent_service_pb2 as pb
from stateroom.session.v1.context_pb2 import Message
from stateroom.session.v1.message_service_pb2 import ListMessagesRequest

from chassis import ids
from tests.support.raw_agents import ASKING, SILENT
from tests.support.stage import PERSON, Stage, reason
from tests.support.talk import Talker
from tests.support.talks import AGENT, Talk
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session
Turn = coding_agent_pb2.AgentTurn
Permission = coding_agent_pb2.Permission
RACES = 20


async def test_prompt_agent_always_is_answered_and_noted(stage: Stage) -> None:
    """What is said stands in the log; the turn has who asked and the digest of what, and nothing else has the text."""
    talk, text = await Talk.open(stage, mode="trust"), "say Hello, canary-4711."
    begun = await talk.prompt(text)
    await talk.until("turn_end")
    assert talk.said == "Hello, canary-4711."
    assert [response.sequence for response in talk.shown] == list(range(1, len(talk.shown) + 1))
    turn = await talk.ended_turn()
    assert (turn.turn_id, turn.end_reason, turn.sequence) == (begun.turn_id, "end_turn", begun.sequence)
    assert turn.prompt_sha256 == hashlib.sha256(text.encode()).digest()
    session = await stage.get(talk.session_id)
    assert (session.kind, session.title) == (AGENT, "understudy")
    assert (session.agent.mode, session.agent.model) == ("trust", "small")
    changes = await stage.rows("outbox", "payload") + await stage.rows("changes", "payload")
    assert changes
    assert not [row for row in changes if b"canary" in row["payload"]]
    request = log_pb2.ListSessionEventsRequest(session_id=talk.session_id, page_size=100)
    page = await stage.call("ListSessionEvents", request)
    assert [event.agent_event for event in page.session_events] == talk.events
    author = talk.of("prompt")[0].author
    assert author == agent_event_pb2.Author(user_id=author.user_id, person=PERSON)  # no address, no credential


async def test_prompt_agent_repeated_asks_once_and_other_text_is_refused(stage: Stage) -> None:
    """The same request id begins one turn; another text with it is none of ours."""
    talk, request_id = await Talk.open(stage, command=SILENT), str(ids.new())
    begun = await talk.prompt("Once.", request_id)
    assert await talk.prompt("Once.", request_id) == begun
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await talk.prompt("Twice.", request_id)
    assert reason(refused.value) == "REQUEST_ID_REUSED"
    await talk.call("CancelTurn", pb.CancelTurnRequest(session_id=talk.session_id))
    await talk.ended_turn()
    assert len(await talk.turns()) == 1


async def test_prompt_and_answer_that_cannot_be_are_refused_until_the_turn_is_cancelled(stage: Stage) -> None:
    """One thing at a time; another option than those offered, a question nobody asked, and one that was withdrawn."""
    talk = await Talk.open(stage)
    first = await talk.prompt("edit note.txt text")
    asked = (await talk.until("permission_request"))[0].permission_request
    with pytest.raises(grpc.aio.AioRpcError) as busy:
        await talk.prompt("say Now!")
    assert reason(busy.value) == "TURN_RUNNING"
    with pytest.raises(grpc.aio.AioRpcError) as wrong_option:
        await talk.answer(asked.permission_id, "maybe")
    assert "option_id: must be one of allow, reject" in str(wrong_option.value.details())
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await talk.answer(str(ids.new()))
    assert reason(unknown.value) == "PERMISSION_NOT_FOUND"
    cancelled = await talk.call("CancelTurn", pb.CancelTurnRequest(session_id=talk.session_id))
    assert cancelled.turn_id == first.turn_id
    (end,) = await talk.until("turn_end")
    assert end.turn_end.reason == "cancelled"
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await talk.answer(asked.permission_id)
    assert reason(late.value) == "PERMISSION_ANSWERED"
    await talk.prompt("say Now!")
    await talk.until("turn_end", 2)
    assert not (await talk.call("CancelTurn", pb.CancelTurnRequest(session_id=talk.session_id))).turn_id
    await talk.ended_turn()
    assert [permission.state for permission in await talk.permissions()] == [Permission.WITHDRAWN]


async def test_answer_permission_by_two_devices_at_once_has_one_winner(stage: Stage, other: Stage) -> None:
    """At each of twenty questions two devices answer through two processes: one wins, the other is told who did."""
    talk = await Talk.open(stage)
    here, there = talk.device(), talk.device(other)
    await talk.prompt("\n".join(f"edit note{number}.txt text" for number in range(RACES)))
    for number in range(1, RACES + 1):
        asked = (await talk.until("permission_request", number))[-1].permission_request
        answers = await asyncio.gather(
            here.answer(asked.permission_id, "allow"),
            there.answer(asked.permission_id, "reject"),
            return_exceptions=True,
        )
        refusals = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
        assert len(refusals) == 1
        assert reason(refusals[0]) == "PERMISSION_ANSWERED"
        answered = (await talk.until("permission_answer", number))[-1]
        won = "allow" if isinstance(answers[0], pb.AnswerPermissionResponse) else "reject"
        assert (answered.permission_answer.permission_id, answered.permission_answer.option_id) == (
            asked.permission_id,
            won,
        )
        assert answered.author.user_id in str(refusals[0].details())
    await talk.until("turn_end")
    await talk.ended_turn()
    noted = await talk.permissions()
    assert [permission.state for permission in noted[:RACES]] == [Permission.ANSWERED] * RACES
    await there.until("turn_end")
    assert there.shown == talk.shown


async def test_terminal_of_an_agent_is_a_session_of_its_own(stage: Stage) -> None:
    """It names its parent, its output is in its own log, and it ends like any other."""
    talk = await Talk.open(stage, mode="trust")
    await talk.prompt("run echo from $WORKSPACE_NAME; exit 4")
    (opened,) = await talk.until("terminal")
    child_id = opened.terminal.session_id
    await talk.until("turn_end")
    await talk.ended_turn()
    child = await stage.ended(child_id)
    assert (child.parent_session_id, child.kind, child.exit_code) == (talk.session_id, Session.COMMAND, 4)
    assert list(child.command) == ["sh", "-c", "echo from $WORKSPACE_NAME; exit 4"]
    assert await stage.output(child_id) == b"from room\n"
    assert "ended with 4 after 10 characters" in talk.said


async def test_change_agent_setting_always_is_the_agents_own(stage: Stage) -> None:
    """The session shows the value in force; what the agent refuses is refused with its own words."""
    talk = await Talk.open(stage)
    await talk.until("ready")

    async def change(setting: str, value: str) -> None:
        request = pb.ChangeAgentSettingRequest(session_id=talk.session_id, setting_id=setting, value=value)
        await talk.call("ChangeAgentSetting", request)

    await change("model", "large")
    await until(lambda: _model(stage, talk.session_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await change("model", "huge")
    assert reason(refused.value) == "AGENT_REFUSED"
    assert "small, large" in str(refused.value.details())
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await change("colour", "red")
    assert "it has: mode, model" in str(unknown.value.details())


async def _model(stage: Stage, session_id: str) -> bool:
    return (await stage.get(session_id)).agent.model == "large"


async def test_changes_of_an_agents_turn_always_name_who_caused_them(stage: Stage) -> None:
    """Each prompt, question, answer and end is one change, by the person or by the service for the agent."""
    talk = await Talk.open(stage, command=ASKING)
    await talk.prompt("Go on.")
    asked = (await talk.until("permission_request"))[0].permission_request
    await talk.answer(asked.permission_id)
    await talk.until("turn_end")
    await talk.ended_turn()

    async def headers() -> list[ChangeHeader]:
        rows = await stage.rows("changes", "position, header")
        return [ChangeHeader.FromString(row["header"]) for row in rows]

    async def noted() -> bool:
        return any(header.type == "ended" for header in await headers())

    await until(noted)
    found = [header for header in await headers() if header.entity_type.startswith("agent_")]
    assert [(header.entity_type, header.type, header.entity_version) for header in found] == [
        ("agent_turn", "prompted", 1),
        ("agent_permission", "requested", 1),
        ("agent_permission", "answered", 2),
        ("agent_turn", "ended", 2),
    ]
    by_service = [header.actor_id == "service:session" for header in found]
    assert by_service == [False, True, False, True]


async def test_agent_of_another_account_is_not_there(stage: Stage) -> None:
    """Not for prompts, not for looks."""
    talk, stranger = await Talk.open(stage, command=SILENT), ids.new()
    for method, request in (
        ("PromptAgent", pb.PromptAgentRequest(session_id=talk.session_id, text="Hello")),
        ("CancelTurn", pb.CancelTurnRequest(session_id=talk.session_id)),
        ("ListAgentTurns", pb.ListAgentTurnsRequest(session_id=talk.session_id)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await talk.call(method, request, stranger)
        assert reason(refused.value) == "SESSION_NOT_FOUND"


async def test_create_session_with_an_agent_that_is_not_there_says_how_to_get_it(stage: Stage) -> None:
    """The sentence names the program and the way to it; no session is left behind."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _create(stage, kind=AGENT, agent=coding_agent_pb2.CodingAgentSession(preset="gemini"))
    assert reason(refused.value) == "AGENT_NOT_INSTALLED"
    assert "npm install" in str(refused.value.details())
    listed = await stage.call("ListSessions", session_service_pb2.ListSessionsRequest())
    assert not listed.sessions


async def test_create_session_with_a_wrong_agent_is_refused(stage: Stage) -> None:
    """An agent needs exactly one of preset and command; terminals have none; a terminal takes no prompts."""
    preset = coding_agent_pb2.CodingAgentSession(preset="understudy")
    for wishes in ({"kind": AGENT}, {"agent": preset}, {"kind": AGENT, "agent": preset, "command": ["cat"]}):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _create(stage, **wishes)
        assert "session.agent" in str(refused.value.details())
    shell = await stage.create()
    with pytest.raises(grpc.aio.AioRpcError) as no_agent:
        await Talk(stage, shell.session_id).prompt("Hello")
    assert reason(no_agent.value) == "NO_AGENT"


async def _create(stage: Stage, **wishes: object) -> None:
    wanted = Session(workspace_id=str(stage.workspace.workspace_id), **wishes)  # type: ignore[arg-type]  # its fields
    await stage.call("CreateSession", session_service_pb2.CreateSessionRequest(session=wanted))


async def test_attach_session_of_an_agent_tells_what_happens_and_goes_on_where_it_was(stage: Stage) -> None:
    """A device gets the agent's events beside its output; it cannot control; what it has it is not told again."""
    talk = await Talk.open(stage, mode="trust")
    await talk.prompt("say One.")
    await talk.until("turn_end")
    await talk.ended_turn()
    device = await _attached(stage, talk, 0)
    known = [await device.read() for _ in talk.shown]
    assert [(one.agent_happened.sequence, one.agent_happened.event) for one in known] == [
        (one.sequence, one.event) for one in talk.shown
    ]
    device.cancel()
    again = await _attached(stage, talk, talk.shown[-1].sequence)
    begun = await talk.prompt("say Two.")
    told = (await again.read()).agent_happened
    assert (told.sequence, told.event.prompt.text) == (begun.sequence, "say Two.")
    again.cancel()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _attached(stage, talk, 0, role=attach_pb2.CONTROLLER)
    assert reason(refused.value) == "SESSION_WITHOUT_TERMINAL"


async def _attached(stage: Stage, talk: Talk, after: int, **wishes: Any) -> Any:  # a call
    call = stage.stub.AttachSession(metadata=stage.bearer(), timeout=PATIENCE)
    wish = attach_pb2.AttachSessionRequest.Attach(session_id=talk.session_id, after_sequence=after, **wishes)
    await call.write(attach_pb2.AttachSessionRequest(attach=wish))
    assert (await call.read()).attached.role == attach_pb2.OBSERVER
    return call


async def test_prompt_agent_in_a_context_is_said_there_too(stage: Stage) -> None:
    """What is asked stands in the context as its person's, what is answered as the agent's."""
    person = Talker(stage)
    context_id = (await person.active()).context_id
    talk = await Talk.open(stage, mode="trust", context_id=context_id)
    await talk.prompt("say One.")
    await talk.until("turn_end")
    await talk.ended_turn()
    said = (await person.open("ListMessages", ListMessagesRequest(context_id=context_id))).messages
    assert [(message.role, message.content) for message in said] == [
        (Message.USER, "say One."),
        (Message.ASSISTANT, "One."),
    ]
    asked_by = talk.of("prompt")[0].author.user_id
    assert [message.author_id for message in said] == [asked_by, talk.session_id]
    await person.change("Complete", context_id)
    await talk.prompt("say Two.")
    await talk.until("turn_end", 2)
    await talk.ended_turn()
    after = (await person.open("ListMessages", ListMessagesRequest(context_id=context_id))).messages
    assert list(after) == list(said)


async def test_create_session_of_an_agent_in_a_context_that_is_over_is_refused(stage: Stage) -> None:
    """An agent belongs to a context in which something may still be said."""
    person = Talker(stage)
    over = (await person.active()).context_id
    await person.change("Complete", over)
    for context_id, expected in ((over, "CONTEXT_IN_WRONG_STATE"), (str(ids.new()), "CONTEXT_NOT_FOUND")):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await Talk.open(stage, context_id=context_id)
        assert reason(refused.value) == expected
