"""A runner becomes other code: same process, same shells, and not a byte is lost."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from stateroom.agent.v1 import agent_event_pb2
from stateroom.runner.v1 import agent_service_pb2, record_pb2, screen_service_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.agent_service_pb2_grpc import AgentServiceStub
from stateroom.runner.v1.terminal_service_pb2 import PauseTerminalRequest
from stateroom.terminal.v1.screen_pb2 import Screen

from chassis import ids, processes
from tests.support import waiting
from tests.support.raw_agents import raw_agent
from tests.support.runner_rooms import Network, RunnerProcess, network_runner, runner_process
from tests.support.waiting import PATIENCE

LINE = re.compile(rb"line (\d+)\r\n")


def _change(code: Path, text: str = "\n") -> None:
    with (code / "runner" / "terminal.py").open("a") as file:
        file.write(text)


class Session:
    """A terminal of a runner, and all that its log was seen to hold."""

    def __init__(self, runner: RunnerProcess) -> None:
        self.session_id = str(ids.new())
        self.runner = runner
        self.records: list[record_pb2.Record] = []

    async def open(self) -> pb.Terminal:
        """Start the shell."""
        request = pb.OpenTerminalRequest(session_id=self.session_id, shell="bash", columns=90, rows=30)  # noqa: S604  # its name
        return await self.runner.stub.OpenTerminal(request, metadata=self.runner.metadata)

    async def type(self, text: str, write_id: str = "") -> None:
        """Type into it."""
        request = pb.WriteTerminalRequest(
            session_id=self.session_id, data=text.encode(), lease_epoch=1, write_id=write_id
        )
        await self.runner.stub.WriteTerminal(request, metadata=self.runner.metadata, wait_for_ready=True)

    @property
    def output(self) -> bytes:
        """What it printed."""
        return b"".join(record.data for record in self.records if record.type == record_pb2.Record.OUTPUT)

    async def read(self, wanted: bytes = b"") -> None:
        """Read on, over streams that break, until the output holds these bytes; without them, to its end."""
        async with asyncio.timeout(PATIENCE):
            while not (wanted and wanted in self.output):
                if self.records and self.records[-1].type == record_pb2.Record.EXIT:
                    assert not wanted, self.output[-500:]
                    return
                with suppress(grpc.aio.AioRpcError):
                    await self._read_on(wanted)

    async def _read_on(self, wanted: bytes) -> None:
        after = self.records[-1].sequence if self.records else 0
        request = record_pb2.StreamRecordsRequest(session_id=self.session_id, after_sequence=after)
        stream = self.runner.stub.StreamRecords(request, metadata=self.runner.metadata, wait_for_ready=True)
        async for batch in stream:
            self.records += batch.records
            if wanted and wanted in self.output:
                stream.cancel()
                return


async def _status(runner: RunnerProcess) -> pb.Status:
    return await runner.stub.GetStatus(pb.GetStatusRequest(), metadata=runner.metadata, wait_for_ready=True)


async def _screen(session: Session) -> Screen:
    request = screen_service_pb2.GetScreenRequest(session_id=session.session_id)
    return await session.runner.screens.GetScreen(request, metadata=session.runner.metadata)


async def _upgrade(runner: RunnerProcess) -> None:
    """Have the runner become other code and wait until that serves."""
    before = (await _status(runner)).version
    assert (await runner.stub.Upgrade(pb.UpgradeRequest(), metadata=runner.metadata)).upgrading

    async def upgraded() -> bool:
        with suppress(grpc.aio.AioRpcError):
            return (await _status(runner)).version != before
        return False

    await waiting.until(upgraded)


async def _pause(session: Session, version: int, *, paused: bool) -> pb.Terminal:
    request = PauseTerminalRequest(session_id=session.session_id, paused=paused, version=version)
    return await session.runner.terminals.PauseTerminal(request, metadata=session.runner.metadata)


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def test_upgrade_shell_and_what_it_prints_go_on(room_folder: Path, socket: Path, code: Path, rounds: int) -> None:
    """The process and the shell stay, a variable is kept, and numbered lines printed all the time have no gap."""
    async with runner_process(room_folder, socket, code) as runner:
        session = Session(runner)
        opened = await session.open()
        await session.type("kept=here; i=0; : > going\n")
        await session.type("while [ -e going ]; do i=$((i+1)); echo line $i; done; echo coun''ted $i $kept\n")
        for upgrade in range(1, rounds + 1):
            await session.read(b"line %d\r\n" % (500 * upgrade))
            _change(code)
            await _upgrade(runner)
        terminal = (await _status(runner)).terminals[0]
        assert (terminal.running, terminal.process_id, terminal.lease_epoch) == (True, opened.process_id, 1)
        assert (terminal.columns, terminal.rows) == (90, 30)
        (room_folder / "files" / "going").unlink()
        await session.read(b"counted")  # what is typed earlier would be echoed into the last line
        await session.type("exit 7\n")
        await session.read()
        assert runner.process.returncode is None
    numbers = [int(number) for number in LINE.findall(session.output)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert f"counted {len(numbers)} here".encode() in session.output
    assert [record.sequence for record in session.records] == list(range(1, len(session.records) + 1))
    assert session.records[-1].exit_code == 7


@pytest.mark.thorough
async def test_upgrade_screen_is_shown_again(room_folder: Path, socket: Path, code: Path) -> None:
    """Both screens are there after it, with the title."""
    async with runner_process(room_folder, socket, code) as runner:
        session = Session(runner)
        await session.open()
        await session.type("PS1=; clear; seq 9000; printf '\\033]2;na''me\\007\\033[?1049h\\033[3;4Hfu''ll'\n")
        await session.read(b"full")
        before = await _screen(session)
        _change(code)
        await _upgrade(runner)
        assert await _screen(session) == before
        assert before.text.startswith("\n\n   full")
        assert (before.title, before.alternate_screen) == ("name", True)
        await session.type("printf '\\033[?1049lla''st'\n")
        await session.read(b"last")
        screen = await _screen(session)
        assert "9000" in screen.text
        assert (screen.title, screen.alternate_screen) == ("name", False)


@pytest.mark.thorough
async def test_upgrade_shell_that_ends_meanwhile_keeps_its_exit_code(
    room_folder: Path, socket: Path, code: Path
) -> None:
    """One that ends while there is no runner to hear of it, or whose child still prints, is known by its exit code."""
    async with runner_process(room_folder, socket, code) as runner:
        ending, ended, leaving = Session(runner), Session(runner), Session(runner)
        await ended.open()
        await ended.type("exit 3\n")
        await ended.read()
        await ending.open()
        await ending.type("echo rea''dy; while [ ! -e ../files/end ]; do read -t 0.01 x; done; exit 5\n")
        await ending.read(b"ready")
        await leaving.open()
        await leaving.type("(trap '' HUP; for i in {1..8}; do echo ti''ck; sleep 0.5; done) & exit 4\n")
        await leaving.read(b"exit\r\n")
        _change(code)
        with (code / "runner" / "installed.py").open("a") as file:  # the next code comes up slowly, and ends the shell
            file.write(f"open({str(room_folder / 'files' / 'end')!r}, 'w').close(); import time; time.sleep(1)\n")
        await _upgrade(runner)
        await ending.read()
        await leaving.read()
        assert [found.records[-1].exit_code for found in (ending, leaving)] == [5, 4]
        again = Session(runner)
        again.session_id = ended.session_id
        await again.read()
        assert again.records == ended.records


@pytest.mark.thorough
async def test_upgrade_twice_leaves_no_descriptor_and_types_nothing_again(
    room_folder: Path, socket: Path, code: Path
) -> None:
    """What was adopted can be handed over again: what was typed, who waits for KILL, who is paused."""
    async with runner_process(room_folder, socket, code) as runner:
        session, paused, write = Session(runner), Session(runner), str(ids.new())
        await session.open()
        await paused.open()
        assert (await _pause(paused, version=7, paused=True)).paused
        await session.type("trap '' TERM HUP; printf 'on%s ' ce; echo rea''dy\n", write)
        await session.read(b"ready")
        _change(code)
        await _upgrade(runner)
        before = _descriptors(runner.process.pid)
        _change(code)
        await _upgrade(runner)
        assert _descriptors(runner.process.pid) == before
        assert (await _pause(paused, version=6, paused=False)).paused, "an order that was overtaken counts"
        assert not (await _pause(paused, version=8, paused=False)).paused
        await session.type("trap '' TERM HUP; printf 'on%s ' ce; echo rea''dy\n", write)
        signal = pb.SignalTerminalRequest(session_id=session.session_id, signal=15, grace_milliseconds=3000)
        await runner.stub.SignalTerminal(signal, metadata=runner.metadata)
        _change(code)
        await _upgrade(runner)
        await session.read()
        assert session.output.count(b"once ") == 1
        assert (session.records[-1].exit_signal, session.records[-1].reason) == (9, "signal")
        await runner.stub.Shutdown(pb.ShutdownRequest(reason="shutdown"), metadata=runner.metadata)
        assert await runner.process.wait() == 0


@pytest.mark.thorough
async def test_upgrade_terminal_still_answers_where_the_cursor_is(room_folder: Path, socket: Path, code: Path) -> None:
    """The screen is known afterwards, and what was asked before is not answered again."""
    async with runner_process(room_folder, socket, code) as runner:
        session = Session(runner)
        await session.open()
        await session.type("printf '\\e[2J\\e[12;34H\\e[6n'; read -rsd R a; echo an''swer \"${a#?}\"\n")
        await session.read(b"answer [12;34")
        await session.type(
            "printf '\\e[7;9H'; read -n 1 go; printf '\\e[6n'; read -rsd R a; echo af''ter \"${a#?}\"; exit\n"
        )
        await session.read(b"\x1b[7;9H")
        _change(code)
        await _upgrade(runner)
        await session.type("x")
        await session.read()
        assert b"after [7;10" in session.output


async def test_upgrade_same_code_is_left_alone(room_folder: Path, socket: Path) -> None:
    """Without other code nothing happens."""
    async with runner_process(room_folder, socket) as runner:
        before = await _status(runner)
        assert not (await runner.stub.Upgrade(pb.UpgradeRequest(), metadata=runner.metadata)).upgrading
        assert (await _status(runner)).start_time == before.start_time


async def test_upgrade_code_that_does_not_start_is_refused(room_folder: Path, socket: Path, code: Path) -> None:
    """Broken code takes over from nobody: the runner says why and goes on."""
    async with runner_process(room_folder, socket, code) as runner:
        session = Session(runner)
        opened = await session.open()
        _change(code, "\nraise RuntimeError('half an installation')\n")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await runner.stub.Upgrade(pb.UpgradeRequest(), metadata=runner.metadata)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "half an installation" in (refused.value.details() or "")
        assert processes.find(opened.process_id) is not None
        await session.type("echo al''ive; exit\n")
        await session.read()
        assert b"alive" in session.output


async def test_upgrade_on_the_network_is_reached_as_before_or_refused(
    room_folder: Path, code: Path, tmp_path: Path
) -> None:
    """The next code serves there with the same certificate and token; without the credentials it would not start."""
    network = Network.furnish(tmp_path / "credentials")
    async with network_runner(room_folder, network, code) as runner:
        session = Session(runner)
        opened = await session.open()
        _change(code)
        await _upgrade(runner)
        assert (await _status(runner)).terminals[0].process_id == opened.process_id
        _change(code)
        (tmp_path / "credentials" / "tls.key").unlink()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await runner.stub.Upgrade(pb.UpgradeRequest(), metadata=runner.metadata)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "CREDENTIALS_DIRECTORY: token, tls.crt and tls.key must be there" in (refused.value.details() or "")
        await session.type("echo al''ive; exit\n")
        await session.read()
        assert b"alive" in session.output


_AGENT = """
begin()
prompt = ask()
tell("before ")
call = {"toolCallId": "1", "title": "Edit"}
options = [{"optionId": "yes", "name": "Yes", "kind": "allow_once"}]
send({"id": "q", "method": "session/request_permission", "params": {"toolCall": call, "options": options}})
send({"id": "t", "method": "terminal/create", "params": {"command": "sh", "args": ["-c", "cat; echo done"]}})
terminal = ask()["result"]["terminalId"]
send({"id": "w", "method": "terminal/wait_for_exit", "params": {"terminalId": terminal}})
while True:
    heard = ask()
    tell(heard["id"] + " " + json.dumps(heard["result"], sort_keys=True) + " ")
    if heard["id"] == "q":
        answer(prompt, stopReason="end_turn")
time.sleep(100)
"""


async def test_upgrade_with_an_agent_at_work_keeps_its_turn_and_its_question(
    room_folder: Path, socket: Path, code: Path
) -> None:
    """The question is answered by the new code, and the turn ends there."""
    async with (
        runner_process(room_folder, socket, code) as runner,
        grpc.aio.insecure_channel(f"unix:{socket}") as channel,
    ):
        session, agents = Session(runner), AgentServiceStub(channel)
        order = pb.OpenTerminalRequest(
            session_id=session.session_id,
            command=raw_agent(_AGENT),
            columns=80,
            rows=24,
            piped=True,
            agent=pb.AgentOrder(),
        )
        await runner.stub.OpenTerminal(order, metadata=runner.metadata)
        prompt = agent_event_pb2.Prompt(turn_id="1", text="Go")
        request = agent_service_pb2.PromptAgentRequest(session_id=session.session_id, prompt=prompt)
        await agents.PromptAgent(request, metadata=runner.metadata)
        asked = (await _until(session, "permission_request")).permission_request
        await _until(session, "terminal")
        _change(code)
        await _upgrade(runner)
        answer = agent_event_pb2.PermissionAnswer(permission_id=asked.permission_id, option_id="yes")
        answering: Any = agent_service_pb2.AnswerPermissionRequest(session_id=session.session_id, answer=answer)
        await agents.AnswerPermission(answering, metadata=runner.metadata, wait_for_ready=True)
        await _until(session, "turn_end")
    said = "".join(event.message.text for event in _events(session))
    assert said.startswith("before ")
    assert 'w {"exitCode": 0, "signal": null}' in said
    assert 'q {"outcome": {"optionId": "yes", "outcome": "selected"}}' in said
    assert [record.sequence for record in session.records] == list(range(1, len(session.records) + 1))


def _events(session: Session) -> list[agent_event_pb2.AgentEvent]:
    type_ = record_pb2.Record.AGENT
    return [agent_event_pb2.AgentEvent.FromString(one.data) for one in session.records if one.type == type_]


async def _until(session: Session, kind: str) -> agent_event_pb2.AgentEvent:
    """Read on until there is an event of a kind."""
    while not (found := [event for event in _events(session) if event.WhichOneof("event") == kind]):
        after = session.records[-1].sequence if session.records else 0
        request = record_pb2.StreamRecordsRequest(session_id=session.session_id, after_sequence=after)
        stream = session.runner.stub.StreamRecords(
            request, metadata=session.runner.metadata, wait_for_ready=True, timeout=20
        )
        async for batch in stream:
            session.records += batch.records
            break
        stream.cancel()
    return found[0]
