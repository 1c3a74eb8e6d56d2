"""Agents through kills: what was said is in the log once, and nothing waits for ever."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Self

import pytest
from stateroom.agent.v1 import agent_event_pb2
from stateroom.session.v1 import coding_agent_pb2, log_pb2, session_pb2, session_service_pb2
from stateroom.workspace.v1 import workspace_service_pb2

from runner.record import RecordType
from runner.spool import Spool
from tests.support.raw_agents import ASKING, SILENT
from tests.support.stage import Stage
from tests.support.talks import Talk
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

NUMBERS = 1500
CUTS = 3
KILLS = 1
PROMPT_OF_NO_TURN = agent_event_pb2.AgentEvent(prompt=agent_event_pb2.Prompt(turn_id="no id"))


async def test_kill_of_the_session_service_loses_and_doubles_nothing(stage: Stage) -> None:
    """A device that comes back after each kill has every event once, and so has the log."""
    talk = await Talk.open(stage, mode="trust")
    await talk.prompt(f"count {NUMBERS}\nrun echo after\nsay .")
    for kill in range(1, KILLS + 1):
        await talk.until("message", kill * 100)
        await stage.kill_service()
        await stage.start_service()
    await talk.until("turn_end")
    assert talk.said.startswith("".join(f"{number} " for number in range(1, NUMBERS + 1)))
    assert [response.sequence for response in talk.shown] == list(range(1, len(talk.shown) + 1))
    await talk.ended_turn()
    request = log_pb2.ListSessionEventsRequest(session_id=talk.session_id, page_size=1000)
    stored: list[log_pb2.SessionEvent] = []
    while not stored or request.page_token:
        page = await stage.call("ListSessionEvents", request)
        stored += page.session_events
        request.page_token = page.next_page_token
    assert [event.agent_event for event in stored] == talk.events
    (opened,) = talk.of("terminal")
    assert (await stage.ended(opened.terminal.session_id)).parent_session_id == talk.session_id


@pytest.mark.thorough
async def test_cut_between_service_and_runner_loses_and_doubles_nothing(stage: Stage) -> None:
    """The line to the runner breaks again and again while the agent talks: each event comes once."""
    async with Line.to(stage) as line:
        talk = await Talk.open(stage, mode="trust")
        await talk.prompt(f"count {NUMBERS}\nsay .")
        for cut in range(1, CUTS + 1):
            await talk.until("message", cut * 200)
            await until(line.is_open)
            line.cut()
        await talk.until("turn_end")
        await until(line.is_open)
    assert talk.said == "".join(f"{number} " for number in range(1, NUMBERS + 1)) + "."
    assert [response.sequence for response in talk.shown] == list(range(1, len(talk.shown) + 1))
    await talk.ended_turn()
    assert len(await talk.turns()) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("body", [PROMPT_OF_NO_TURN.SerializeToString(), b"\xff no event"])
async def test_event_that_cannot_be_stored_holds_up_no_other_session(stage: Stage, body: bytes) -> None:
    """It is tried again later and later; what others print is stored, and so they end."""
    poisoned = (await stage.create()).session_id
    await stage.kill_service()
    await stage.kill_runner()
    with ThreadPoolExecutor(1) as executor:
        spool = Spool.reopen(stage.spool(poisoned)[0].parent, executor, 1 << 20)
        spool.go_on(0)
        spool.append(RecordType.AGENT, [body])
        await spool.close()
    await stage.start_runner()
    await stage.start_service()
    others = [await stage.create() for _ in range(2)]
    for each in others:
        await stage.type(each.session_id, "echo fine; exit")
    for each in others:
        assert (await stage.ended(each.session_id)).log_complete
    stage.change_owner()  # nobody ends that session


class Line:
    """A line between service and runner that can be cut."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._ends: list[asyncio.StreamWriter] = []

    @classmethod
    @asynccontextmanager
    async def to(cls, stage: Stage) -> AsyncIterator[Self]:
        """Put a line between a stage's service and its runner."""
        runner = stage.workspace.runner
        line = cls(runner.address.removeprefix("unix:"))
        path = f"{line._address}.line"
        server = await asyncio.start_unix_server(line._serve, path)
        there = workspace_service_pb2.Runner(address=f"unix:{path}")
        stage.workspace.runner = workspace_service_pb2.Runner()
        stage.workspace.runner.MergeFrom(runner)
        stage.workspace.runner.MergeFrom(there)
        try:
            yield line
        finally:
            server.close()
            line.cut()
            stage.workspace.runner = runner

    async def is_open(self) -> bool:
        """Whether there is a connection again."""
        return bool(self._ends)

    def cut(self) -> None:
        """Break every connection."""
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_unix_connection(self._address)
        self._ends += [writer, here]
        await asyncio.gather(_pass(reader, here), _pass(there, writer))


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


async def test_kill_of_the_runner_ends_turns_and_keeps_what_was_said(stage: Stage) -> None:
    """The session is lost, its turn ended, its question withdrawn; a new agent goes on where it can, the log stays."""
    talk = await Talk.open(stage, command=ASKING)
    await talk.prompt("Go on.")
    await talk.until("permission_request")
    await stage.kill_runner()
    await stage.start_runner()
    lost = await stage.ended(talk.session_id)
    assert lost.state == session_pb2.Session.LOST
    turn = await talk.ended_turn()
    assert turn.end_reason == "agent_ended"
    assert [one.state for one in await talk.permissions()] == [coding_agent_pb2.Permission.WITHDRAWN]
    assert (await talk.device().end())[: len(talk.events)] == talk.events
    again = await Talk.open(stage, command=ASKING, continues_session_id=talk.session_id)
    (ready,) = await again.until("ready")
    assert not ready.ready.loaded  # it forgets; what it said is still shown
    assert (await stage.get(again.session_id)).agent.continues_session_id == talk.session_id


async def test_kill_of_the_agent_ends_its_session_with_its_log(stage: Stage) -> None:
    """Its turn ends in the log before the session does."""
    talk = await Talk.open(stage)
    await talk.prompt("say Well.\ndie")
    ended = await stage.ended(talk.session_id)
    assert (ended.state, ended.exit_code) == (session_pb2.Session.STOPPED, 3)
    events = await talk.end()
    assert events[-1].turn_end.reason == "agent_ended"
    assert (await talk.ended_turn()).end_reason == "agent_ended"


async def test_terminate_session_of_an_agent_that_never_is_ready_ends_it(stage: Stage) -> None:
    """It is killed like anything else; a prompt that waits ends with it."""
    talk = await Talk.open(stage, command=SILENT)
    await talk.prompt("Hello")
    request = session_service_pb2.TerminateSessionRequest(session_id=talk.session_id)
    await stage.call("TerminateSession", request)
    ended = await stage.ended(talk.session_id)
    assert ended.stop_reason == session_pb2.Session.TERMINATED
    assert (await talk.ended_turn()).end_reason == "agent_ended"
