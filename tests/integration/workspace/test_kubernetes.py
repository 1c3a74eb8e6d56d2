"""Rooms as Pods from end to end, on an API server of our own whose Pods are processes that run the real runner."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from stateroom.session.v1 import session_pb2
from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as workspace

from embedded.postgres import Postgres
from tests.support.cluster.home import Home, open_home
from tests.support.nats import running_nats
from tests.support.people import Person, again
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the services they share

COUNT = "stty -echo; i=0; while :; do i=$((i+1)); echo $i >> count; echo $i; done"
NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(product_template: Postgres) -> AsyncIterator[Home]:
    """Start a cluster and services, for the tests of this module."""
    async with running_nats() as nats, open_home(product_template, nats) as opened:
        yield opened


async def test_pod_is_killed_the_output_is_complete_and_work_goes_on_in_another(home: Home) -> None:
    """The session is LOST with all that it printed; the next one finds the files on the same disk."""
    room = await home.person.ready_room()
    session_id = await home.open(room, "echo kept > file; seq 3000; sleep 1000")
    await home.printed(session_id, b"\r\n3000\r\n")
    home.kill(room)
    assert b"".join(b"%d\r\n" % number for number in range(1, 3001)) in await home.output(session_id)
    assert (await home.session(session_id)).state == session_pb2.Session.LOST
    assert b"kept" in await home.run(room, "cat file")


async def test_pod_is_evicted_while_programs_print_every_byte_is_kept(home: Home) -> None:
    """As a drain of its node does it: the runner ends in order, and the one after it tells what was not told yet."""
    room = await home.person.ready_room()
    session_id = await home.open(room, COUNT)
    await home.printed(session_id, b"\r\n500\r\n")
    home.cluster.evict(f"room-{room.workspace_id}")
    numbers = [int(line) for line in re.findall(rb"(\d+)\r\n", await home.output(session_id))]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] == 1
    counted = int(re.findall(rb"(\d+)\r\n", await home.run(room, "tail -n 1 count"))[0])
    assert counted - numbers[-1] in (0, 1)


async def test_get_runner_by_two_replicas_at_once_makes_one_pod(home: Home) -> None:
    """Both answer with the same runner, with the same certificate, and no other Pod runs."""
    room = await home.person.ready_room()
    before = await home.person.runner(room)
    home.kill(room)
    found = await asyncio.gather(*(_runner_after(person, room, before) for person in (home.person, home.other) * 2))
    assert len({(runner.runner_id, runner.certificate, runner.address) for runner in found}) == 1
    assert [pod["metadata"]["name"] for pod in home.cluster.all("pods")].count(f"room-{room.workspace_id}") == 1


async def _runner_after(person: Person, room: workspace_pb2.Workspace, before: workspace.Runner) -> workspace.Runner:
    """Return the runner that follows another, once the service has heard of the end of that."""
    found = [before]

    async def is_another() -> bool:
        found.append(await again(lambda: person.runner(room)))
        return found[-1].runner_id != before.runner_id

    await until(is_another)
    return found[-1]


async def test_create_workspace_without_a_node_says_why_and_ends_active_once_there_is_one(home: Home) -> None:
    """People read the scheduler's own words as the progress."""
    home.cluster.order(no_node=NO_CPU)
    room = await home.person.create_room()

    async def told() -> bool:
        (row,) = await home.sql(
            f"SELECT progress_step FROM workspace.workspaces WHERE workspace_id = '{room.workspace_id}'"  # noqa: S608  # ours
        )
        return bool(row["progress_step"] == f"Waiting for a node: {NO_CPU}")

    await until(told)
    home.cluster.order(no_node="")
    assert (await home.person.settled(room)).state == workspace_pb2.Workspace.ACTIVE


async def test_room_that_nobody_uses_is_suspended_and_resumes_with_its_files(home: Home) -> None:
    """Its Pod goes and its disk stays; with a session in it, it is left alone."""
    room = await home.person.ready_room()
    session_id = await home.open(room, "echo kept > file; echo do''ne")
    await home.printed(session_id, b"done\r\n")
    await home.look(room)
    await home.was_looked_at(room)
    assert home.pod(room) is not None
    await home.type(session_id, "exit")
    await home.output(session_id)

    async def suspended() -> bool:
        await home.look(room)
        return home.pod(room) is None

    await until(suspended)
    assert home.has_disk(room)
    assert b"kept" in await home.run(room, "cat file")


async def test_room_goes_on_while_the_api_server_is_away(home: Home) -> None:
    """Sessions open in rooms that run; a room that needs a Pod gets it once the server is back."""
    room = await home.person.ready_room()
    await home.cluster.go_away()
    assert b"sky" in await home.run(room, "echo s''ky")
    new = await home.person.create_room()
    home.cluster.objects.forget_history()
    await home.cluster.come()
    assert (await home.person.settled(new)).state == workspace_pb2.Workspace.ACTIVE


async def test_archive_workspace_ends_its_pod_and_keeps_its_disk(home: Home) -> None:
    """What was in it is there after it is unarchived."""
    room = await home.person.ready_room()
    await home.run(room, "echo kept > file")
    await home.person.archive_room(room, force=True)
    await home.without_pod(room)
    assert home.has_disk(room)
    await home.person.unarchive_room(room)
    assert b"kept" in await home.run(room, "cat file")


async def test_purge_workspace_removes_its_disk_after_a_complete_save(home: Home) -> None:
    """A runner of its own saves it; then Pod, disk and Secret are gone."""
    room = await home.person.ready_room()
    await home.run(room, "echo kept > file")
    await home.person.delete_room(room, force=True)

    async def removed() -> bool:
        return not home.has_disk(room)

    await until(removed)
    saves = await home.sql(f"SELECT state FROM workspace.saves WHERE workspace_id = '{room.workspace_id}'")  # noqa: S608  # ours
    assert "COMPLETE" in [row["state"] for row in saves]
    belongs = {("stateroom.dev/workspace-id", room.workspace_id)}
    assert not [each for each in home.cluster.all("secrets") if belongs <= each["metadata"]["labels"].items()]
