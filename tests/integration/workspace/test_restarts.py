"""The service and its runners die apart: rooms are finished, and runners are found again or replaced."""

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub
from stateroom.workspace.v1 import workspace_pb2

from chassis import ids, processes
from tests.support import waiting
from tests.support.git import Origin
from tests.support.people import newcomer
from tests.support.product import Product
from tests.support.source import query

ROOT = Path(processes.__file__).parent.parent
LARGE = 48 << 20
"""Bytes that no clone copies before a test can act."""


async def _cloning(product: Product, room: workspace_pb2.Workspace) -> None:
    """Wait until a workspace's repository is being cloned."""

    async def begun() -> bool:
        return (product.folder / "data" / "rooms" / room.workspace_id / "incoming").exists()

    await waiting.until(begun)


async def test_create_workspace_survives_the_death_of_the_service_while_cloning(
    product: Product, origin: Origin
) -> None:
    """The restarted service finishes the room with the runner that went on working."""
    await origin.commit("large.bin", os.urandom(LARGE))
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.create_room(repository_url=origin.url)
        await _cloning(product, room)
        runners = product.runners()
        await product.kill("workspace")
        rows = await query(product.installation.url("workspace_system"), "SELECT state FROM workspaces")
        assert [row["state"] for row in rows] == ["CREATING"]
        await product.start("workspace")
        ready = await person.settled(room)
        assert (ready.state, ready.state_reason) == (workspace_pb2.Workspace.ACTIVE, "")
        assert product.runners() == runners
    files = product.folder / "data" / "rooms" / room.workspace_id / "files"
    assert (files / "large.bin").stat().st_size == LARGE


@pytest.mark.thorough
async def test_create_workspace_survives_the_death_of_the_service_at_once(product: Product, origin: Origin) -> None:
    """A room that was promised is made, and by one runner."""
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.create_room(repository_url=origin.url)
        await product.kill("workspace")
        await product.start("workspace")
        assert (await person.settled(room)).state == workspace_pb2.Workspace.ACTIVE
        await person.runner(room)
        assert len(product.runners()) == 1


@pytest.mark.thorough
async def test_create_workspace_survives_the_death_of_its_runner(product: Product, origin: Origin) -> None:
    """Another runner makes the room when the first one dies at it."""
    await origin.commit("large.bin", os.urandom(LARGE))
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.create_room(repository_url=origin.url)
        await _cloning(product, room)
        await person.kill_runner(room)
        ready = await person.settled(room)
        assert (ready.state, ready.state_reason) == (workspace_pb2.Workspace.ACTIVE, "")


async def test_get_runner_after_a_restart_of_the_service_finds_the_same_one(product: Product) -> None:
    """Runners outlive the service; it finds them by their room, and its token still opens them."""
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.ready_room()
        before, announced = await person.runner(room), product.runner_of(room.workspace_id)
        await product.kill("workspace")
        await product.start("workspace")
        after = await person.runner_of_restarted(room)
        assert after == before
        assert product.runner_of(room.workspace_id) == announced
        async with grpc.aio.insecure_channel(after.address) as channel:
            status = await RunnerServiceStub(channel).GetStatus(
                runner_pb.GetStatusRequest(), metadata=(("authorization", f"Bearer {after.token}"),)
            )
            assert status.runner_id == before.runner_id


@pytest.mark.thorough
async def test_get_runner_after_an_orderly_stop_of_the_service_finds_the_same_one(product: Product) -> None:
    """A service that is stopped leaves its children alone."""
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.ready_room()
        before = await person.runner(room)
        service = product.processes.pop("workspace")
        service.terminate()
        assert await service.wait() == 0
        await product.start("workspace")
        assert await person.runner_of_restarted(room) == before


async def test_get_runner_of_a_dead_one_starts_a_new_one(product: Product) -> None:
    """A killed runner is replaced under a new id, whether it was our child or is nobody's any more."""
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.ready_room()
        first = await person.runner(room)
        await person.kill_runner(room)
        second = await person.runner(room)
        await product.kill("workspace")
        await product.start("workspace")
        await person.runner_of_restarted(room)
        await person.kill_runner(room)
        third = await person.runner(room)
        assert len({first.runner_id, second.runner_id, third.runner_id}) == 3
        assert len(product.runners()) == 1


@pytest.mark.thorough
async def test_get_runner_is_not_fooled_by_a_process_with_the_same_pid(product: Product) -> None:
    """A file that names a live process which started at another time names no runner."""
    await product.start("workspace")
    async with newcomer(product) as person:
        room = await person.ready_room()
        first = await person.runner(room)
        await person.kill_runner(room)
        announced = product.folder / "data" / "rooms" / room.workspace_id / "runner.json"
        stale = json.loads(announced.read_text()) | {"pid": os.getpid()}
        assert processes.described_by(stale) != processes.find(os.getpid())
        announced.write_text(json.dumps(stale))
        second = await person.runner_of_restarted(room)
        assert second.runner_id != first.runner_id
        assert len(product.runners()) == 1


@pytest.mark.thorough
async def test_start_of_the_service_with_new_code_upgrades_runners(product: Product) -> None:
    """A runner that nobody asks for goes on with the code that is installed now: the same process, the same shell."""
    code = product.folder / "code"
    for package in ("runner", "chassis"):
        shutil.copytree(ROOT / package, code / package)
    path = os.pathsep.join([str(code), *filter(None, sys.path)])
    await product.start("workspace", pythonpath=path)
    async with newcomer(product) as person:
        room = await person.ready_room()
        way, announced = await person.runner(room), product.runner_of(room.workspace_id)
        metadata = (("authorization", f"Bearer {way.token}"),)
        async with grpc.aio.insecure_channel(way.address) as channel:
            runner = RunnerServiceStub(channel)
            before = await runner.GetStatus(runner_pb.GetStatusRequest(), metadata=metadata)
            terminal = await runner.OpenTerminal(_order(), metadata=metadata)
            await product.kill("workspace")
            with (code / "runner" / "terminal.py").open("a") as file:
                file.write("\n")
            await product.start("workspace", pythonpath=path)

            async def upgraded() -> bool:
                with suppress(grpc.aio.AioRpcError):  # it does not serve for a moment
                    status = await runner.GetStatus(runner_pb.GetStatusRequest(), metadata=metadata)
                    return status.version != before.version and status.terminals[0].process_id == terminal.process_id
                return False

            await waiting.until(upgraded)
        assert await person.runner(room) == way
        assert product.runner_of(room.workspace_id) == announced
        assert len(product.runners()) == 1


def _order() -> runner_pb.OpenTerminalRequest:
    return runner_pb.OpenTerminalRequest(session_id=str(ids.new()), shell="bash", columns=80, rows=24)  # noqa: S604  # its name
