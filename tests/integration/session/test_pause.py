"""A session whose output is stopped: what runs in it waits and lives, until it is resumed or ended."""

import asyncio
from functools import partial
from pathlib import Path

import grpc
import pytest
from stateroom.session.v1 import attach_pb2, lifecycle_service_pb2, session_pb2
from stateroom.session.v1 import session_service_pb2 as service

from chassis import processes
from tests.support.screens import attach
from tests.support.stage import Stage, reason
from tests.support.talks import Talk
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session
COUNTING = "stty -echo; seq 200000; read -r; exit 4"
"""More than a terminal and the runner hold, so that it waits when nobody reads."""


async def _pause(stage: Stage, session_id: str, etag: str = "") -> session_pb2.Session:
    request = lifecycle_service_pb2.PauseSessionRequest(session_id=session_id, etag=etag)
    session: session_pb2.Session = await stage.call("PauseSession", request)
    return session


async def _resume(stage: Stage, session_id: str) -> session_pb2.Session:
    request = lifecycle_service_pb2.ResumeSessionRequest(session_id=session_id)
    session: session_pb2.Session = await stage.call("ResumeSession", request)
    return session


async def _until_paused(stage: Stage, session_id: str, *, paused: bool = True) -> None:
    """Wait until the runner does as the row says."""

    async def follows() -> bool:
        return (await stage.terminal(session_id)).paused == paused

    await until(follows)


async def _paused_at_work(stage: Stage) -> str:
    """Return a session that was paused before it was told to print a lot."""
    session_id = (await stage.create()).session_id
    assert (await _pause(stage, session_id)).state == Session.PAUSED
    await _until_paused(stage, session_id)
    await stage.type(session_id, COUNTING)
    return session_id


async def test_pause_session_stops_the_output_and_resume_gives_every_byte(stage: Stage) -> None:
    """Devices at it are told, the program waits and lives, what is typed reaches it, and nothing is lost."""
    session_id = (await stage.create()).session_id
    async with attach(stage, session_id) as screen:
        await screen.type("stty -echo; echo RE''ADY; cat >/dev/null; seq 200000; exit 4\n")
        await screen.until(b"READY\r\n")
        await _pause(stage, session_id)
        assert (await screen.until_told("condition")).paused
        await _until_paused(stage, session_id)
        await screen.type("\x04")
        await until(partial(_is_blocked, stage, session_id))
        before = (await stage.terminal(session_id)).end_offset
        assert before < 1000
        await _resume(stage, session_id)
        ended = await screen.until_told("ended")
        told = [message.condition.paused for message in screen.others if message.HasField("condition")]
    assert (told, ended.exit_code) == ([True, False], 4)
    assert b"\n1\r\n2\r\n" in screen.output
    assert screen.output.endswith(b"\n200000\r\nexit\r\n")


async def _is_blocked(stage: Stage, session_id: str) -> bool:
    """Whether `seq`, which waits for nothing else, sleeps until somebody reads what it prints."""
    shell = (await stage.terminal(session_id)).process_id
    return any(" (seq) S " in f" {_stat(each.pid)}" for each in processes.descendants(shell))


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # `cat`, which has ended meanwhile
        return ""


async def test_device_that_attaches_to_a_paused_session_is_told(stage: Stage, other: Stage) -> None:
    """It learns it right after its replay, also at another process than the one where it was paused."""
    session_id = (await stage.create()).session_id
    await _pause(stage, session_id)
    async with attach(other, session_id, role=attach_pb2.OBSERVER) as screen:
        assert (await screen.until_told("condition")).paused


async def test_agent_of_a_paused_session_waits_until_it_is_resumed(stage: Stage) -> None:
    """What it says is not read, so it goes no further; a stream of its events ends with the session and not before."""
    talk = await Talk.open(stage)
    await talk.until("ready")
    assert (await _pause(stage, talk.session_id)).state == Session.PAUSED
    await _until_paused(stage, talk.session_id)
    await talk.prompt("edit notes.txt text")
    device = talk.device()

    async def turn() -> None:
        (asked,) = await device.until("permission_request")
        await talk.answer(asked.permission_request.permission_id)
        await device.until("turn_end")

    async with asyncio.TaskGroup() as group:
        running = group.create_task(turn())
        await until(partial(_has_read, device, "prompt"))
        assert not device.of("permission_request")
        assert not running.done()
        await until(partial(_is_acknowledged, stage, talk.session_id))  # only the resumption can wake it now
        assert (await _resume(stage, talk.session_id)).state == Session.ACTIVE


async def _is_acknowledged(stage: Stage, session_id: str) -> bool:
    terminal = await stage.terminal(session_id)
    return terminal.acknowledged_sequence == terminal.end_sequence


async def _has_read(device: Talk, kind: str) -> bool:
    return bool(device.of(kind))


async def test_terminate_of_a_paused_session_ends_it_with_its_last_words(stage: Stage) -> None:
    """A session that is to end flows: what its trap prints is in the log, and nothing waits for a resumption."""
    session_id = (await stage.create()).session_id
    await stage.type(session_id, "trap 'echo last wo''rds; exit 3' HUP TERM; read -r")
    await stage.printed(session_id, b"read -r")
    await _pause(stage, session_id)
    await _until_paused(stage, session_id)
    await stage.call("TerminateSession", service.TerminateSessionRequest(session_id=session_id))
    ended = await stage.ended(session_id)
    assert (ended.state, ended.stop_reason, ended.log_complete) == (Session.STOPPED, Session.TERMINATED, True)
    assert b"last words" in await stage.output(session_id)


async def test_paused_session_whose_shell_exits_ends_with_all_it_printed(stage: Stage) -> None:
    """What is still in the terminal is read when nobody can print more."""
    session_id = await _paused_at_work(stage)
    await _resume(stage, session_id)
    await stage.printed(session_id, b"200000\r\n")
    await _pause(stage, session_id)
    await _until_paused(stage, session_id)
    await stage.type(session_id, "")
    ended = await stage.ended(session_id)
    assert (ended.stop_reason, ended.exit_code) == (Session.EXIT, 4)


async def test_paused_session_survives_a_service_that_dies(stage: Stage) -> None:
    """Another process copies it, and the runner still leaves it alone until it is resumed."""
    session_id = await _paused_at_work(stage)
    await stage.kill_service()
    await stage.start_service()
    assert (await stage.get(session_id)).state == Session.PAUSED
    assert (await stage.terminal(session_id)).paused
    assert (await _resume(stage, session_id)).state == Session.ACTIVE
    await stage.printed(session_id, b"200000\r\n")


async def test_pause_twice_changes_a_session_once(stage: Stage) -> None:
    """Of ten at once one is a change; each is answered with the paused session. So it is with resumptions."""
    session_id = (await stage.create()).session_id
    paused = await asyncio.gather(*(_pause(stage, session_id) for _ in range(10)))
    assert {(each.state, each.etag) for each in paused} == {(Session.PAUSED, paused[0].etag)}
    resumed = await asyncio.gather(*(_resume(stage, session_id) for _ in range(10)))
    assert {(each.state, each.etag) for each in resumed} == {(Session.ACTIVE, resumed[0].etag)}
    assert await stage.events(session_id) == ["created", "started", "paused", "resumed"]


async def test_pauses_and_resumptions_that_race_leave_the_terminal_as_the_row_says(stage: Stage) -> None:
    """Whichever came last counts at the runner as well."""
    session_id = (await stage.create()).session_id
    await asyncio.gather(*((_pause, _resume)[number % 2](stage, session_id) for number in range(20)))
    state = (await stage.get(session_id)).state
    await _until_paused(stage, session_id, paused=state == Session.PAUSED)
    assert (await stage.get(session_id)).state == state


async def test_pause_of_what_ends_or_has_ended_is_refused(stage: Stage) -> None:
    """SESSION_NOT_ACTIVE, for both calls once it has ended; a version that was overtaken is refused as well."""
    session = await stage.create()
    with pytest.raises(grpc.aio.AioRpcError) as stale:
        await _pause(stage, session.session_id, etag='"99"')
    assert reason(stale.value) == "ETAG_MISMATCH"
    await stage.type(session.session_id, "trap '' HUP TERM; echo RE''ADY; while :; do sleep 1; done")
    await stage.printed(session.session_id, b"READY")
    await stage.call("TerminateSession", service.TerminateSessionRequest(session_id=session.session_id))
    with pytest.raises(grpc.aio.AioRpcError) as ending:
        await _pause(stage, session.session_id)
    assert (await _resume(stage, session.session_id)).state == Session.ACTIVE
    await stage.ended(session.session_id)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await _resume(stage, session.session_id)
    assert {reason(ending.value), reason(ended.value)} == {"SESSION_NOT_ACTIVE"}
