"""What the supervisor keeps in its folder."""

import asyncio
import json
import os
import socket
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from chassis import processes
from embedded import keys, lock, runners
from embedded.errors import StartFailed
from embedded.layout import RUNTIME_PATH_LIMIT, Layout, open_layout
from embedded.ports import Ports


@pytest.fixture
def layout(private_folder: Path) -> Layout:
    """Return the layout of a new installation."""
    return open_layout(private_folder / "data", str(private_folder))


def test_open_layout_twice_keeps_the_runtime_folder(private_folder: Path) -> None:
    """Runners that live on are found at the same place."""
    first = open_layout(private_folder / "data", str(private_folder))
    assert open_layout(private_folder / "data", "/elsewhere") == first
    assert len(str(first.runtime)) <= RUNTIME_PATH_LIMIT


def test_held_where_no_folder_can_be_says_what_to_do(private_folder: Path) -> None:
    """A file in its place, as a mistyped `--data` may name, ends in a sentence."""
    file = private_folder / "file"
    file.touch()
    with pytest.raises(StartFailed, match="choose another folder with --data"), lock.held(file):
        pass


def test_open_layout_runtime_folder_of_others_is_not_used(private_folder: Path) -> None:
    """A folder that others may write into is left alone, and a new one made."""
    first = open_layout(private_folder / "data", str(private_folder))
    first.runtime.chmod(0o777)
    second = open_layout(private_folder / "data", str(private_folder))
    assert second.runtime != first.runtime
    assert second.runtime.stat().st_mode & 0o777 == 0o700


def test_prepare_keys_are_private_and_kept(layout: Layout) -> None:
    """Every key is 0600 and stays the same at the next start."""
    keys.prepare(layout)
    before = {path.name: path.read_text() for path in layout.keys.iterdir()}
    keys.prepare(layout)
    assert {path.name: path.read_text() for path in layout.keys.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in layout.keys.iterdir()} == {0o600}


def test_prepare_trust_keys_hold_no_private_key(layout: Layout) -> None:
    """What everybody reads lets nobody sign."""
    keys.prepare(layout)
    public = json.loads(keys.trust_keys_file(layout).read_text())["keys"]
    assert {key["kid"] for key in public} == set(keys.SERVICES)
    assert not any("d" in key for key in public)


def test_held_second_holder_is_turned_away(private_folder: Path) -> None:
    """Two supervisors never share a folder, and the lock is free again afterwards."""
    with lock.held(private_folder):
        assert lock.is_held(private_folder)
        assert lock.holder(private_folder) == processes.find(os.getpid())
        with pytest.raises(lock.AlreadyRunning), lock.held(private_folder):
            pass
    assert not lock.is_held(private_folder)


def test_holder_number_of_another_process_is_nobody(private_folder: Path) -> None:
    """A process id that was given away again is not signalled."""
    with lock.held(private_folder):
        noted = processes.describe_self() | {"start_ticks": 1}
        (private_folder / "supervisor.json").write_text(json.dumps(noted))
        assert lock.holder(private_folder) is None


def test_take_port_again_gives_the_same(layout: Layout) -> None:
    """An address that somebody noted stays right."""
    assert Ports(layout).take("gateway") == Ports(layout).take("gateway")


def test_take_port_in_use_is_refused_or_replaced(layout: Layout) -> None:
    """A wanted port in use is an error, a remembered one in use is replaced."""
    remembered = Ports(layout).take("gateway")
    with socket.create_server(("127.0.0.1", remembered)):
        assert Ports(layout, patience=0).take("gateway") != remembered
        with pytest.raises(StartFailed, match="--http"):
            Ports(layout).take("gateway", wanted=remembered)


def test_take_port_that_is_given_back_in_time_stays_the_same(layout: Layout) -> None:
    """What was bound to a supervisor that was killed takes a moment to end."""
    remembered = Ports(layout).take("gateway")
    left_over = socket.create_server(("127.0.0.1", remembered))
    ending = threading.Timer(0.2, left_over.close)
    ending.start()
    assert Ports(layout).take("gateway") == remembered
    ending.join()


async def test_stop_all_ends_noted_runners_only(private_folder: Path) -> None:
    """The runner is stopped; a process whose number a stale or a planted file names is not."""
    runner, bystander = await _sleeper(), await _sleeper()
    try:
        _note(private_folder / "rooms" / "1", processes.find(runner.pid))
        _note(private_folder / "rooms" / "2", processes.ProcessKey(bystander.pid, 1))
        _note(private_folder / "rooms" / "3" / "files", processes.find(bystander.pid))
        assert await runners.stop_all(private_folder) == 1
        assert await runner.wait() == -15
        assert bystander.returncode is None
    finally:
        bystander.kill()
        await bystander.wait()


async def _sleeper() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", "import signal; signal.pause()")


def _note(room: Path, process: processes.ProcessKey | None) -> None:
    assert process is not None
    room.mkdir(parents=True)
    (room / "runner.json").write_text(json.dumps(asdict(process) | {"boot_id": processes.boot_id()}))
