"""A session from its creation to its end."""

import signal

import pytest
from stateroom.session.v1 import session_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids
from chassis.errors import NotFound
from runner import memory
from tests.support.fake_workspace import refusal
from tests.support.memory_group import memory_group
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session
SMALL = 32 * 1024 * 1024
"""Bytes of memory that are soon used up."""


async def test_create_session_in_an_active_workspace_runs_a_shell(stage: Stage) -> None:
    """The answer is ACTIVE, names its variables without values, and the shell's whole output is kept."""
    session = await stage.create(environment={"SECRET": "hush", "PS1": "$ "}, columns=100)
    assert session.state == Session.ACTIVE
    assert list(session.environment_names) == ["PS1", "PWD", "SECRET", "WORKSPACE_NAME", "WORKSPACE_REPO"]
    assert (session.columns, session.rows, session.shell) == (100, 24, "bash")
    await stage.type(session.session_id, "echo $SECRET-$WORKSPACE_NAME; exit 7")
    ended = await stage.ended(session.session_id)
    assert (ended.state, ended.stop_reason, ended.exit_code) == (Session.STOPPED, Session.EXIT, 7)
    assert ended.log_complete
    output = await stage.output(session.session_id)
    assert b"hush-room" in output
    assert ended.output_bytes == len(output)


async def test_create_session_with_the_same_request_id_opens_one_session(stage: Stage) -> None:
    """The second answer is the first session, although nobody can say any more where its runner is."""
    request_id = str(ids.new())
    first = await stage.create(request_id)
    stage.workspace.refusal = refusal(NotFound, "WORKSPACE_NOT_FOUND")
    await stage.kill_service()
    await stage.start_service()
    second = await stage.create(request_id)
    assert first.session_id == second.session_id
    listed = await stage.call("ListSessions", pb.ListSessionsRequest())
    assert [session.session_id for session in listed.sessions] == [first.session_id]


async def test_terminate_session_ends_it_as_terminated(stage: Stage) -> None:
    """The answer comes at once, the end is a change of its own."""
    session = await stage.create()
    request = pb.TerminateSessionRequest(session_id=session.session_id, etag=session.etag)
    asked = await stage.call("TerminateSession", request)
    assert asked.etag != session.etag
    ended = await stage.ended(session.session_id)
    assert (ended.state, ended.stop_reason) == (Session.STOPPED, Session.TERMINATED)


@pytest.mark.parametrize(
    ("line", "reason", "code", "number"),
    [
        ("exit 3", Session.EXIT, 3, None),
        ("kill -KILL $$", Session.SIGNAL, None, signal.SIGKILL),
        ("exec sh -c 'kill -SEGV $$'", Session.SIGNAL, None, signal.SIGSEGV),
    ],
)
async def test_session_that_ends_by_itself_says_how(
    stage: Stage, line: str, reason: int, code: int | None, number: int | None
) -> None:
    """A KILL from somebody else is a signal like any other, and not a lack of memory."""
    session_id = (await stage.create()).session_id
    await stage.type(session_id, line)
    ended = await stage.ended(session_id)
    told = [getattr(ended, name) if ended.HasField(name) else None for name in ("exit_code", "exit_signal")]
    assert (ended.state, ended.stop_reason, told) == (Session.STOPPED, reason, [code, number])


async def test_session_that_takes_too_much_memory_is_told_apart_from_one_that_was_killed(stage: Stage) -> None:
    """The kernel kills the one whose group is full; a KILL by hand afterwards, in another session, is a signal."""
    hungry, other = (await stage.create()).session_id, (await stage.create()).session_id
    with memory_group(SMALL) as processes:
        processes.write_text(str((await stage.terminal(hungry)).process_id))
        before = memory.kills()
        await stage.type(hungry, "exec tail /dev/zero")
        ended = await stage.ended(hungry)
    assert memory.kills() > before
    assert (ended.stop_reason, ended.exit_signal) == (Session.OUT_OF_MEMORY, signal.SIGKILL)
    fresh = (await stage.create()).session_id
    await stage.type(fresh, "kill -KILL $$")
    assert (await stage.ended(fresh)).stop_reason == Session.SIGNAL
    assert not (await stage.get(other)).HasField("end_time")
