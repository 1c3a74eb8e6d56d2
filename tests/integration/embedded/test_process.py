"""Processes of the supervisor, and their end with it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from chassis import processes
from embedded import polling
from embedded.errors import StartFailed
from embedded.process import ManagedProcess, Program

SUPERVISOR = """
import asyncio, pathlib, sys
from embedded.process import ManagedProcess, Program
async def main(folder):
    log = pathlib.Path(folder) / "child.log"
    child = await ManagedProcess.start(Program("child", ["sleep", "1000"], log, {"PATH": "/usr/bin:/bin"}))
    print(child.pid, flush=True)
    await child.wait()
asyncio.run(main(sys.argv[1]))
"""


async def test_start_supervisor_killed_child_ends(private_folder: Path) -> None:
    """No process is left behind when the supervisor gets SIGKILL."""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR, str(private_folder), stdout=asyncio.subprocess.PIPE, env=_environment()
    )
    assert supervisor.stdout is not None
    child = int(await supervisor.stdout.readline())
    process = processes.find(child)
    assert process is not None
    supervisor.kill()
    await supervisor.wait()
    assert await polling.until(lambda: not processes.is_running(process), 10)


async def test_start_own_process_session(private_folder: Path) -> None:
    """Ctrl-C in the supervisor's terminal does not reach the process."""
    process = await ManagedProcess.start(_program(private_folder, "sleep", "1000"))
    try:
        assert os.getsid(process.pid) == process.pid
    finally:
        await process.stop(5)
    assert await process.wait() == -signal.SIGTERM


async def test_stop_process_that_ignores_the_signal_is_killed(private_folder: Path) -> None:
    """Stopping ends within its time."""
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    program = _program(private_folder, sys.executable, "-c", script)
    process = await ManagedProcess.start(program)
    assert await polling.until(lambda: "deaf" in (private_folder / "log").read_text(), 10)
    await process.stop(0.1)
    assert await process.wait() == -signal.SIGKILL


async def test_failure_shows_what_the_process_said(private_folder: Path) -> None:
    """The person reads the reason without opening a log."""
    process = await ManagedProcess.start(_program(private_folder, "sh", "-c", "echo no space left; exit 1"))
    await process.wait()
    with pytest.raises(StartFailed, match="no space left"):
        raise process.failure()


def _program(folder: Path, *arguments: str) -> Program:
    return Program("The program", arguments, folder / "log", {"PATH": os.defpath})


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
