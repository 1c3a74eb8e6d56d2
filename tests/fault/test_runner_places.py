"""I7, I11: a runner dies at each named place, or its disk is full there: what was shown is kept, and rooms go on."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio
from stateroom.session.v1 import attach_pb2, session_pb2

from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.places import declared, first_and_thorough, passed_by
from tests.support.screens import Screen, attach
from tests.support.source import query
from tests.support.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

PLACES = passed_by("runner", 1)
_FULL_DISK = (
    """CREATE OR REPLACE FUNCTION session.full_disk() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE disk_full; END $$""",
    """CREATE TRIGGER full_disk BEFORE INSERT ON session.session_events
    FOR EACH STATEMENT EXECUTE FUNCTION session.full_disk()""",
)
"""What PostgreSQL answers when its disk is full, without filling one."""
LAST = 600
PRINTING = f"for i in $(seq {LAST}); do echo n$i; sleep 0.005; done; exit 6\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(template: Postgres, nats: Nats) -> AsyncIterator[Stage]:
    """Return a running session service; each test starts the runner of its room."""
    async with fresh_installation(template, nats, TEMPLATE) as installation, open_stage(installation) as opened:
        await opened.start_service()
        yield opened


async def test_place_of_a_runner_is_declared_by_the_runner() -> None:
    """The list is that of the modules, so a new place is tested the day it appears."""
    of_runners = re.compile(r"runner\.(?!snapshot\.)")
    assert PLACES == [name for name, module in declared().items() if of_runners.match(module)] != []


@pytest.mark.invariant("I11")
@pytest.mark.parametrize("place", first_and_thorough(PLACES))
async def test_crash_of_a_runner_at_a_place_keeps_what_was_shown(stage: Stage, place: str, rounds: int) -> None:
    """Sessions are LOST with all that their devices saw, unless they had ended, and the next one in the room works."""
    for number in range(1, rounds + 1):
        await stage.start_runner(FAULT=f"{place}:{number}:kill")
        shown = await _shown_until_it_dies(stage, number)
        assert await stage.runner.wait() == -signal.SIGKILL
        await stage.start_runner()
        for session_id, seen in shown.items():
            ended = await stage.ended(session_id)
            assert ended.state in {session_pb2.Session.LOST, session_pb2.Session.FAILED} or ended.exit_code == 6, ended
            stored = await stage.output(session_id)
            assert stored.startswith(seen)
            assert len(stored) == ended.output_bytes
        last = await stage.create()
        await stage.type(last.session_id, "exit 3")
        assert (await stage.ended(last.session_id)).exit_code == 3
        await stage.kill_runner()


async def _shown_until_it_dies(stage: Stage, number: int) -> dict[str, bytes]:
    """Open sessions and type until the runner is dead; returns what their devices were shown."""
    shown: dict[str, bytes] = {}
    for _ in range(number):
        try:
            session = await stage.create()
            shown[session.session_id] = b""
            async with attach(stage, session.session_id, role=attach_pb2.CONTROLLER) as screen:
                await screen.type("echo typed; ")
                await screen.type(PRINTING)
                await _watch_until_it_dies(stage, screen)
            shown[session.session_id] = bytes(screen.output)
        except grpc.aio.AioRpcError:
            await stage.runner.wait()  # it died while the shell was being started
        if stage.runner.returncode is not None:
            break
    return shown


async def _watch_until_it_dies(stage: Stage, screen: Screen) -> None:
    """Keep a device reading until the runner is dead or the session has ended."""

    async def read() -> None:
        while await screen.step():
            pass

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read()), group.create_task(stage.runner.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


@pytest.mark.thorough
@pytest.mark.invariant("I7")
async def test_full_disk_under_postgresql_keeps_output_in_the_spool(stage: Stage) -> None:
    """Devices go on; what PostgreSQL could not take is stored once it can."""
    admin_url = stage.installation.admin_url
    await stage.start_runner()
    session = await stage.create()
    for statement in _FULL_DISK:
        await query(admin_url, statement)
    async with attach(stage, session.session_id, role=attach_pb2.CONTROLLER) as screen:
        await screen.type(PRINTING)
        await screen.until(b"n%d\r\n" % LAST)
        await query(admin_url, "DROP TRIGGER full_disk ON session.session_events")
        ended = await screen.until_told("ended")
    assert (ended.state, ended.exit_code) == (session_pb2.Session.STOPPED, 6)
    assert await stage.output(session.session_id) == bytes(screen.output)
    await stage.kill_runner()


@pytest.mark.invariant("I7")
async def test_full_disk_under_the_spool_makes_the_program_wait(stage: Stage) -> None:
    """While nothing can be written nothing is shown and nothing dropped; afterwards it goes on where it stood."""
    await stage.start_runner(FAULT="runner.before_spool:20-22:enospc")
    session = await stage.create()
    async with attach(stage, session.session_id, role=attach_pb2.CONTROLLER) as screen:
        await screen.type(PRINTING)
        ended = await screen.until_told("ended")
    assert (ended.state, ended.exit_code) == (session_pb2.Session.STOPPED, 6)
    numbers = [int(number) for number in re.findall(rb"n(\d+)\r\n", screen.output)]
    assert numbers == list(range(1, LAST + 1))
    assert await stage.output(session.session_id) == bytes(screen.output)
    await stage.kill_runner()
