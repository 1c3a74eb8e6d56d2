"""Commands in a room: sessions like any other, with one call that runs one and streams it."""

import signal
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from stateroom.session.v1 import attach_pb2, exec_pb2, session_pb2, update_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids
from tests.support.screens import attach
from tests.support.stage import Stage, reason
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session


class Run:
    """A call of ExecCommand, as far as it was read."""

    def __init__(
        self, stage: Stage, *command: str, request_id: str = "", **wishes: Any
    ) -> None:  # fields of the request
        wishes = {"workspace_id": str(stage.workspace.workspace_id), "environment": {}} | wishes
        request = exec_pb2.ExecCommandRequest(command=command, request_id=request_id, **wishes)
        self.call = stage.stub.ExecCommand(request, metadata=stage.bearer(), timeout=PATIENCE)
        self.output = bytearray()
        self.started = Session()
        self.ended = Session()

    async def step(self) -> bool:
        """Read what comes next; False at the end."""
        message = await self.call.read()
        if not message:
            return False
        if message.HasField("output"):
            assert message.output.offset == len(self.output)
            self.output += message.output.data
        self.started.MergeFrom(message.started)
        self.ended.MergeFrom(message.ended)
        return True

    async def until(self, wanted: bytes) -> None:
        """Read until the output holds these bytes."""
        while wanted not in self.output:
            assert await self.step()

    async def end(self) -> "Run":
        """Read to the end."""
        while await self.step():
            pass
        return self


async def test_exec_command_streams_its_output_and_ends_with_its_exit_code(stage: Stage) -> None:
    """Its session is kept like any other: what it ran, how it ended, every byte; the values of variables are not."""
    script = "printf 'a\\nb'; echo $FLAVOUR-$WORKSPACE_NAME >&2; exit 3"
    run = await Run(stage, "sh", "-c", script, environment={"FLAVOUR": "mint"}).end()
    assert bytes(run.output) == b"a\nbmint-room\n"
    assert (run.started.state, run.started.kind, run.started.title) == (Session.ACTIVE, Session.COMMAND, "sh")
    ended = run.ended
    assert (ended.state, ended.stop_reason, ended.exit_code) == (Session.STOPPED, Session.EXIT, 3)
    assert (list(ended.command), ended.shell) == (["sh", "-c", script], "")
    assert "mint" not in str(ended)
    assert await stage.output(ended.session_id) == bytes(run.output)
    listed = await stage.call("ListSessions", pb.ListSessionsRequest(kind=Session.COMMAND))
    assert list(listed.sessions) == [await stage.get(ended.session_id)]
    killed = (await Run(stage, "sh", "-c", "kill -USR1 $$").end()).ended
    assert (killed.stop_reason, killed.exit_signal) == (Session.SIGNAL, signal.SIGUSR1)


async def test_exec_command_whose_caller_left_goes_on_and_is_joined_by_the_same_request(stage: Stage) -> None:
    """It runs once, also when the service dies meanwhile, and who joins sees it from its first byte."""
    request_id, script = str(ids.new()), "echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 4"
    first = Run(stage, "sh", "-c", script, request_id=request_id)
    await first.until(b"one\n")
    first.call.cancel()
    joined = Run(stage, "sh", "-c", script, request_id=request_id)
    await joined.until(b"one\n")
    await stage.kill_service()
    await stage.start_service()
    assert (await Run(stage, "touch", "go").end()).ended.exit_code == 0
    again = await Run(stage, "sh", "-c", script, request_id=request_id).end()
    assert (bytes(again.output), again.ended.exit_code) == (b"one\ntwo\n", 4)
    assert {run.started.session_id for run in (first, joined, again)} == {again.ended.session_id}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Run(stage, "true", request_id=request_id).end()
    assert reason(refused.value) == "REQUEST_ID_REUSED"


async def test_session_whose_time_is_up_is_ended(stage: Stage) -> None:
    """TERM first, KILL for who ignores it; a shell has a limit as well, and who ends in time is not touched."""
    gentle = await Run(stage, "sleep", "600", timeout=Duration(seconds=1)).end()
    assert (gentle.ended.stop_reason, gentle.ended.exit_signal) == (Session.TIMED_OUT, signal.SIGTERM)
    lived = gentle.ended.end_time.ToMilliseconds() - gentle.ended.create_time.ToMilliseconds()
    assert 1000 <= lived < 10_000
    assert gentle.ended.timeout == Duration(seconds=1)
    shell = await stage.create(timeout=Duration(seconds=1))
    resized = update_pb2.ResizeSessionRequest(session_id=shell.session_id, columns=90, rows=30)
    await stage.call("ResizeSession", resized)
    assert (await stage.ended(shell.session_id)).stop_reason == Session.TIMED_OUT
    stubborn = await Run(
        stage, "sh", "-c", "trap '' TERM; while :; do sleep 1; done", timeout=Duration(seconds=1)
    ).end()
    assert (stubborn.ended.stop_reason, stubborn.ended.exit_signal) == (Session.TIMED_OUT, signal.SIGKILL)
    in_time = await Run(stage, "true", timeout=Duration(seconds=600)).end()
    assert (in_time.ended.stop_reason, in_time.ended.exit_code) == (Session.EXIT, 0)


async def test_exec_command_that_cannot_run_is_refused_with_the_reason(stage: Stage) -> None:
    """Before anything is streamed; there is no session."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Run(stage, "no-such-program").end()
    assert reason(refused.value) == "COMMAND_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await Run(stage, "true", working_directory="missing").end()
    assert reason(refused.value) == "INVALID_WORKING_DIRECTORY"
    assert (refused.value.details() or "").startswith("working_directory: ")
    assert not (await stage.call("ListSessions", pb.ListSessionsRequest())).sessions
    for wishes in ({"kind": Session.COMMAND}, {"command": ["true"], "shell": "bash"}):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.create(**wishes)
        assert reason(refused.value) == "INVALID_FIELD"


async def test_command_without_a_terminal_is_watched_and_takes_nothing(stage: Stage) -> None:
    """Every way to type, to resize or to control is refused with one reason; a device that may watch does."""
    run = Run(stage, "sh", "-c", "echo here; sleep 600")
    await run.until(b"here\n")
    session_id = run.started.session_id
    requests: dict[str, Any] = {
        "WriteSession": pb.WriteSessionRequest(session_id=session_id, data=b"x"),
        "ResizeSession": update_pb2.ResizeSessionRequest(session_id=session_id, columns=9, rows=9),
    }
    for method, request in requests.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call(method, request)
        assert reason(refused.value) == "SESSION_WITHOUT_TERMINAL", method
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with attach(stage, session_id, role=attach_pb2.CONTROLLER):
            pass
    assert reason(refused.value) == "SESSION_WITHOUT_TERMINAL"
    async with attach(stage, session_id) as screen:
        assert screen.attached.role == attach_pb2.OBSERVER
        await screen.until(b"here\n")
        await stage.call("TerminateSession", pb.TerminateSessionRequest(session_id=session_id))
        assert (await screen.until_told("ended")).stop_reason == Session.TERMINATED


async def test_command_in_a_terminal_is_a_session_that_one_types_into(stage: Stage) -> None:
    """A program instead of a shell, for people."""
    session = await stage.create(command=["sh", "-c", "read -r line; echo got-$line; exit 8"])
    assert (session.kind, session.shell) == (Session.TERMINAL, "")
    await stage.type(session.session_id, "this")
    assert (await stage.ended(session.session_id)).exit_code == 8
    assert b"got-this\r\n" in await stage.output(session.session_id)
