"""Rooms with real shells."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runner import __file__ as runner_file
from runner import program, room, terminals
from runner.agents.agents import Agents
from runner.sandbox import Sandbox
from runner.terminals import Terminals

SPOOL_BYTES = 64 * 1024 * 1024


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a folder with code of a runner that tests may change."""
    for package in ("runner", "chassis"):
        shutil.copytree(Path(runner_file).parents[1] / package, tmp_path / "code" / package)
    return tmp_path / "code"


@pytest.fixture
def socket() -> Iterator[Path]:
    """A path for a socket, short enough for one."""
    with tempfile.TemporaryDirectory(prefix="room") as folder:
        yield Path(folder) / "run" / "runner.sock"


@pytest.fixture
def room_folder(tmp_path: Path, socket: Path) -> Path:
    """The folder of a room, with its parts."""
    folder = tmp_path / "rooms" / "room"
    room.prepare(folder, socket)
    return folder


@pytest.fixture
async def sandbox(room_folder: Path, socket: Path) -> Sandbox:
    """The strongest sandbox that works here."""
    return await program.probe(room_folder, [room_folder.parent, socket.parent])


@pytest.fixture
async def table(room_folder: Path, sandbox: Sandbox) -> AsyncIterator[Terminals]:
    """The room's terminals; none is left afterwards."""
    async with asyncio.TaskGroup() as group:
        opened = terminals.Terminals(room_folder, sandbox, SPOOL_BYTES, group)
        yield opened
        await opened.shutdown(0, "test")


@pytest.fixture
async def agents(table: Terminals, sandbox: Sandbox) -> Agents:
    """The room's agents."""
    return Agents(sandbox, table)
