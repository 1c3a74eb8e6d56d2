"""A session from its creation to its end."""

import signal
from datetime import timedelta

import grpc
import pytest
from stateroom.session.v1 import lifecycle_service_pb2 as pb_life
from stateroom.session.v1 import session_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids
from chassis.errors import NotFound
from runner import memory
from tests.support.fake_workspace import refusal
from tests.support.memory_group import memory_group
from tests.support.source import query
from tests.support.stage import Stage, reason

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


async def test_restart_session_opens_one_like_it_and_names_the_values_it_lacks(stage: Stage) -> None:
    """Same folder, size and title; what the call brings has a value, and a repeated call opens no second one."""
    made = await stage.create(kind=Session.COMMAND, command=["mkdir", "-p", "deep"])
    await stage.ended(made.session_id)
    deep = await stage.create(
        environment={"TOKEN": "a", "OTHER": "b"}, columns=111, title="R", working_directory="deep"
    )
    again = pb_life.RestartSessionRequest(
        session_id=deep.session_id, environment={"TOKEN": "new"}, request_id=str(ids.new())
    )
    with pytest.raises(grpc.aio.AioRpcError) as alive:
        await stage.call("RestartSession", again)
    assert reason(alive.value) == "SESSION_NOT_ENDED"
    await stage.call("TerminateSession", pb.TerminateSessionRequest(session_id=deep.session_id))
    await stage.ended(deep.session_id)
    again.request_id = str(ids.new())
    done = [await stage.call("RestartSession", again) for _ in range(2)]
    assert [each.missing_environment_names for each in done] == [["OTHER"], ["OTHER"]]
    new = done[0].session
    assert (new.session_id, new.restarted_from) == (done[1].session.session_id, deep.session_id)
    assert new.state == Session.ACTIVE
    assert (new.columns, new.title, new.working_directory, new.shell) == (111, "R", "deep", "bash")
    await stage.type(new.session_id, "echo $TOKEN-$OTHER-${PWD##*/}; exit 0")
    await stage.ended(new.session_id)
    assert b"new--deep" in await stage.output(new.session_id)


async def test_restart_session_that_was_lost_runs_its_command_again(stage: Stage) -> None:
    """What ran when the runner died is begun anew in the next one."""
    command = ["sh", "-c", "echo $$ >> ran; sleep 60"]
    lost = await stage.create(kind=Session.COMMAND, command=command)
    await stage.kill_runner()
    await stage.start_runner()
    assert (await stage.ended(lost.session_id)).state == Session.LOST
    done = await stage.call("RestartSession", pb_life.RestartSessionRequest(session_id=lost.session_id))
    assert (done.session.kind, list(done.session.command)) == (Session.COMMAND, command)


async def test_get_session_statistics_counts_what_there_is(stage: Stage) -> None:
    """By kind and state; the mean counts those alone that ended; nothing is nothing, in every account and workspace."""
    ask = pb_life.GetSessionStatisticsRequest
    none = await stage.call("GetSessionStatistics", ask())
    assert (none.total, none.mean_lifetime.ToTimedelta(), list(none.by_kind)) == (0, timedelta(), [])
    await stage.create()
    ended = [await stage.create(kind=Session.COMMAND, command=["true"]) for _ in range(2)]
    lives = [await stage.ended(each.session_id) for each in ended]
    statement = """
    UPDATE session.sessions SET create_time = end_time - interval '3 days', end_time = end_time - interval '2 days'
    WHERE session_id = $1::uuid
    """
    await query(stage.installation.admin_url, statement, ended[0].session_id)
    found = await stage.call("GetSessionStatistics", ask(workspace_id=str(stage.workspace.workspace_id)))
    assert (found.active, found.total, found.ended_last_day) == (1, 3, 1)
    assert {each.kind: each.count for each in found.by_kind} == {Session.TERMINAL: 1, Session.COMMAND: 2}
    assert {each.state: each.count for each in found.by_state} == {Session.ACTIVE: 1, Session.STOPPED: 2}
    second = lives[1].end_time.ToDatetime() - lives[1].create_time.ToDatetime()
    assert abs(found.mean_lifetime.ToTimedelta() - (timedelta(days=1) + second) / 2) < timedelta(milliseconds=1)
    elsewhere = await stage.call("GetSessionStatistics", ask(workspace_id=str(ids.new())))
    assert elsewhere.total == (await stage.call("GetSessionStatistics", ask(), account_id=ids.new())).total == 0
