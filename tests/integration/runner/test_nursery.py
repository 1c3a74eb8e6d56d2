"""The nursery: runners start from code that is loaded already, and from no other than what is installed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import ids, processes
from chassis.errors import ServiceUnavailable
from services.workspace.placement.nursery import Forked, Nursery
from tests.support.waiting import PATIENCE

TOKEN = "ab" * 32


@pytest.fixture
def nursery(code: Path) -> Iterator[Nursery]:
    """Return a nursery of that code."""
    path = os.pathsep.join([str(code), *filter(None, sys.path)])
    nursery = Nursery({"PATH": os.defpath, "PYTHONPATH": path})
    yield nursery
    nursery.close()


@pytest.fixture
def forked(room_folder: Path, socket: Path) -> Iterator[list[Forked]]:
    """Return a list for runners of that room, which are ended afterwards."""
    runners: list[Forked] = []
    yield runners
    for runner in runners:
        runner.kill()
        os.close(runner.descriptor)


async def _fork(nursery: Nursery, room: Path, socket: Path, **more: str) -> Forked:
    environment = {"WORKSPACE_ID": "one", "RUNNER_ID": str(ids.new()), "ROOM_DIRECTORY": str(room)}
    reading, writing = os.pipe()
    os.write(writing, f"{TOKEN}\n".encode())
    os.close(writing)
    with (room / "runner.log").open("ab") as log, (room / "runner.lock").open("ab") as lock:
        try:
            return await nursery.fork(
                environment | {"SOCKET": str(socket)} | more, (reading, log.fileno(), lock.fileno())
            )
        finally:
            os.close(reading)


def _parent(runner: Forked) -> int:
    return int(Path(f"/proc/{runner.pid}/stat").read_text().rpartition(")")[2].split()[1])


async def _status(socket: Path) -> pb.Status:
    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        metadata = (("authorization", f"Bearer {TOKEN}"),)
        request = pb.GetStatusRequest()
        return await RunnerServiceStub(channel).GetStatus(
            request, metadata=metadata, wait_for_ready=True, timeout=PATIENCE
        )


async def test_forked_runner_is_a_process_of_its_own_with_nothing_of_the_nursery(
    nursery: Nursery, forked: list[Forked], room_folder: Path, socket: Path
) -> None:
    """It leads a session, serves, keeps its lock, and has the descriptors that it was given and no others."""
    forked.append(await _fork(nursery, room_folder, socket))
    assert (await _status(socket)).workspace_id == "one"
    pid = forked[0].pid
    assert os.getsid(pid) == pid
    links = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    assert {str(room_folder / "runner.lock"), str(room_folder / "runner.log")} <= links
    nurserys = {str(link.readlink()) for link in Path(f"/proc/{_parent(forked[0])}/fd").iterdir()}
    assert not {link for link in links & nurserys if link.startswith("socket:")}


async def test_runner_outlives_the_nursery_and_the_next_comes_from_another(
    nursery: Nursery, forked: list[Forked], room_folder: Path, socket: Path
) -> None:
    """Whatever happens to the nursery, rooms go on, and new ones can be made."""
    forked.append(await _fork(nursery, room_folder, socket))
    first, parent = processes.find(forked[0].pid), _parent(forked[0])
    os.kill(parent, 9)
    forked.append(await _fork(nursery, room_folder, socket.with_name("second.sock")))
    await _status(socket.with_name("second.sock"))
    assert first is not None
    assert processes.is_running(first)
    assert _parent(forked[1]) != parent


async def test_nursery_with_code_that_is_not_installed_any_more_forks_nothing(
    nursery: Nursery, forked: list[Forked], code: Path, room_folder: Path, socket: Path
) -> None:
    """A runner of the code that was replaced would never become the new one."""
    forked.append(await _fork(nursery, room_folder, socket))
    before = await _status(socket)
    with (code / "runner" / "terminal.py").open("a") as file:
        file.write("\n")
    forked.append(await _fork(nursery, room_folder, socket.with_name("second.sock")))
    after = await _status(socket.with_name("second.sock"))
    assert before.version != after.version
    assert _parent(forked[0]) != _parent(forked[1])


async def test_fork_that_nobody_waits_for_any_more_uses_the_descriptors_that_it_was_given(
    nursery: Nursery, room_folder: Path, socket: Path
) -> None:
    """They stay open until the nursery has them, and none of ours is left open after that."""
    before = _processes()
    async with asyncio.TaskGroup() as group:
        with nursery._turn:  # noqa: SLF001  # another fork is under way
            forking = group.create_task(_fork(nursery, room_folder, socket))
            await asyncio.sleep(0)
            forking.cancel()
            await asyncio.wait([forking], timeout=0)
            assert not forking.done()
    assert forking.cancelled()
    assert (await _status(socket)).workspace_id == "one"
    os.kill(json.loads((room_folder / "runner.json").read_text())["pid"], signal.SIGKILL)
    assert _processes() == before


def _processes() -> int:
    """Return how many descriptors of processes this one has."""
    links = (Path(f"/proc/self/fd/{number}") for number in range(256))
    return sum("pidfd" in str(link.readlink()) for link in links if link.is_symlink())


async def test_runner_that_cannot_start_says_why_in_its_log(
    nursery: Nursery, forked: list[Forked], room_folder: Path, socket: Path
) -> None:
    """As one that is started by itself."""
    try:
        forked.append(await _fork(nursery, room_folder, socket, SPOOL_BYTES="few"))
        await forked[0].ended()
    except ServiceUnavailable:
        pass  # it ended before anybody could take hold of it
    assert "SPOOL_BYTES: must be a number of bytes" in (room_folder / "runner.log").read_text()
