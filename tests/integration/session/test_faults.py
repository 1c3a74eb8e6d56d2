"""Sessions when processes die."""

import re
import time
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256

import pytest
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import session_pb2
from stateroom.session.v1 import session_service_pb2 as service
from stateroom.workspace.v1.workspace_service_pb2 import Runner

from chassis import ids, trace
from tests.support.screens import attach
from tests.support.source import query
from tests.support.stage import Stage
from tests.support.waiting import running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session
PRINTING = "stty -echo; i=1; until read -t 0.1 -r; do seq $((i*1000)) $((i*1000+999)); i=$((i+1)); done; exit 5"
"""A thousand numbers ten times a second, until something is typed."""
WHAT_A_COPIER_SETS = "head_sequence, head_offset, title, last_activity_time, copier_epoch, copier_process"
"""Columns; without the others nobody can claim the work of having a terminal dropped."""


@pytest.mark.invariant("I7")
async def test_service_killed_while_a_program_prints_loses_and_repeats_nothing(stage: Stage) -> None:
    """Numbered lines come out whole and once, and the shell never notices."""
    session = await stage.create()
    await stage.type(session.session_id, PRINTING)
    for _ in range(3):
        before = (await stage.get(session.session_id)).output_bytes
        await until(partial(_printed_more, stage, session.session_id, before))
        await stage.kill_service()
        await stage.start_service()
    await stage.type(session.session_id, "enough")
    output = await stage.output(session.session_id)
    numbers = [int(line) for line in re.findall(rb"(?<=[\r\n])(\d+)\r\n", output)]
    assert numbers == list(range(1000, numbers[-1] + 1))
    assert numbers[-1] % 1000 == 999
    ended = await stage.ended(session.session_id)
    assert (ended.exit_code, ended.log_complete, ended.output_bytes) == (5, True, len(output))
    stored = await query(
        stage.installation.admin_url,
        'SELECT sequence, "offset", data FROM session.session_events WHERE session_id = $1 ORDER BY sequence',
        ids.parse(session.session_id),
    )
    assert [row["sequence"] for row in stored] == list(range(1, len(stored) + 1))
    assert sha256(b"".join(row["data"] for row in stored)).digest() == sha256(output).digest()


async def test_device_reattaches_after_the_service_was_killed_and_controls_at_once(stage: Stage) -> None:
    """A dead process's device controls nothing, and the output goes on where it stopped."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.type("echo be''fore\n")
        await screen.until(b"before\r\n")
        await stage.kill_service()
    await stage.start_service()
    async with attach(stage, session.session_id, role=pb.CONTROLLER, offset=len(screen.output)) as again:
        await again.type("echo af''ter\n")
        await again.until(b"after\r\n")
        assert b"before\r\n" not in again.output


@pytest.mark.invariant("I11")
async def test_runner_killed_shows_its_session_as_lost_within_ten_seconds(stage: Stage) -> None:
    """What it printed is kept, drained from its spool by the next run of the runner."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.OBSERVER) as screen:
        await stage.type(session.session_id, "echo last''words")
        await screen.until(b"lastwords\r\n")
        began = time.monotonic()
        await stage.kill_runner()
        await stage.start_runner()
        ended = await screen.until_told("ended")
        assert time.monotonic() < began + 10
        assert (ended.state, ended.stop_reason) == (Session.LOST, Session.RUNNER_LOST)
    lost = await stage.get(session.session_id)
    assert lost.log_complete
    assert lost.state_reason
    assert await stage.output(session.session_id) == bytes(screen.output)


@pytest.mark.thorough
@pytest.mark.invariant("I7")
async def test_runner_killed_and_away_for_long_its_output_is_in_the_log_once_the_room_is_back(stage: Stage) -> None:
    """The session is lost without its last words; the next run of the runner gives them up and keeps nothing."""
    session = await stage.create()
    await stage.type(session.session_id, "echo be''fore")
    await until(partial(_printed_more, stage, session.session_id, 20))
    await stage.kill_service()
    await stage.write_to_terminal(session.session_id, "echo last''words\n")
    await until(partial(_spooled, stage, session.session_id, b"lastwords\r\n"))
    await stage.kill_runner()
    stage.workspace.runner.MergeFrom(Runner(runner_id=str(ids.new()), address="unix:/nowhere"))
    await stage.start_service()
    lost = await stage.ended(session.session_id)
    assert (lost.state, lost.log_complete) == (Session.LOST, False)
    await stage.start_runner()

    async def released() -> bool:
        return session.session_id not in await stage.terminals()

    await until(released)
    complete = await stage.get(session.session_id)
    assert (complete.state, complete.log_complete) == (Session.LOST, True)
    output = await stage.output(session.session_id)
    assert output.count(b"before\r\n") == output.count(b"lastwords\r\n") == 1
    assert complete.output_bytes == len(output)


async def test_service_killed_after_an_end_was_stored_has_the_terminal_dropped_later(stage: Stage) -> None:
    """The runner keeps no spool for ever because nobody lived long enough to tell it."""
    session = await stage.create()
    await query(stage.installation.admin_url, "REVOKE UPDATE ON session.session_heads FROM session_system")
    await query(
        stage.installation.admin_url, f"GRANT UPDATE ({WHAT_A_COPIER_SETS}) ON session.session_heads TO session_system"
    )
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)
    assert session.session_id in await stage.terminals()
    await stage.kill_service()
    await query(stage.installation.admin_url, "GRANT UPDATE ON session.session_heads TO session_system")
    await stage.start_service()

    async def dropped() -> bool:
        return session.session_id not in await stage.terminals()

    await until(dropped)


@pytest.mark.parametrize("how", ["archived", "deleted"])
async def test_workspace_put_away_ends_its_sessions_because_of_that(stage: Stage, how: str) -> None:
    """The end names the event that caused it, and is a part of its trace."""
    session = await stage.create()
    traceparent = trace.continue_from(None)
    async with running(stage.workspace_service.relay.run):
        event_id = await stage.workspace.put_away(stage.workspace_service, how)
        ended = await stage.ended(session.session_id)
    assert (ended.state, ended.stop_reason) == (Session.STOPPED, Session.StopReason.Value(f"WORKSPACE_{how.upper()}"))
    headers = await _headers(stage)
    assert headers[-1].cause_event_id == event_id
    assert [header.trace_id for header in headers if header.type == "stop_requested"] == [traceparent[3:35]]


async def test_workspace_archived_before_a_session_began_leaves_it_alone(stage: Stage) -> None:
    """Word of it may come late, when the workspace is active again; what it found is ended, and nothing else."""
    before = await stage.create()
    archived = datetime.now(UTC)
    after = await stage.create()
    async with running(stage.workspace_service.relay.run):
        await stage.workspace.put_away(stage.workspace_service, "archived", archived)
        await stage.ended(before.session_id)
    assert (await stage.get(after.session_id)).state == Session.ACTIVE


async def test_shell_that_exits_ends_its_session_in_a_trace_of_its_own(stage: Stage) -> None:
    """Nobody asked for the end, and still it can be looked up among the logs."""
    session = await stage.create()
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)

    async def stopped() -> list[ChangeHeader]:
        return [header for header in await _headers(stage) if header.type == "stopped"]

    async def numbered() -> bool:
        return bool(await stopped())

    await until(numbered)
    (header,) = await stopped()
    assert len(header.trace_id) == 32


async def test_list_sessions_after_a_restart_names_the_live_ones(stage: Stage) -> None:
    """A killed service finds its sessions again."""
    session = await stage.create()
    await stage.kill_service()
    await stage.start_service()
    listed = await stage.call("ListSessions", service.ListSessionsRequest(state=Session.ACTIVE))
    assert [found.session_id for found in listed.sessions] == [session.session_id]


async def _headers(stage: Stage) -> list[ChangeHeader]:
    return [ChangeHeader.FromString(row["header"]) for row in await stage.rows("changes", "position, header")]


async def _spooled(stage: Stage, session_id: str, wanted: bytes) -> bool:
    return any(wanted in path.read_bytes() for path in stage.spool(session_id))


async def _printed_more(stage: Stage, session_id: str, before: int) -> bool:
    return (await stage.get(session_id)).output_bytes > before
