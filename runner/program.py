"""A program inside the sandbox, from its start until the last of its descendants is gone."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chassis import processes
from runner.handover import ProgramState
from runner.keeper import AdoptedKeeper, Keeper
from runner.record import Exit
from runner.reports import Reports
from runner.sandbox import PATH, Level, Program, Sandbox

_KEEPER = Path(__file__).with_name("enter.py")
_ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}
_SIGNAL_STATUS = 128
"""A shell reports a child that a signal ended as this plus the signal; bubblewrap does so too."""

_KILL_INTERVAL = 0.1
"""Seconds between two looks for survivors: a process that forks as fast as it can is caught by the next."""

_GENTLE_ROUNDS = 3
"""Looks after which the innermost keeper is killed too, which takes its whole process namespace with it."""


_SEEN = 9
_LOOK = f'if (: < "$1") 2> /dev/null; then exit {_SEEN}; fi'
"""What a shell does in a sandbox that is tried: find out whether it can read a file."""

_COMPLAINT = 200  # characters of what a sandbox says when it does not work


class CannotStart(Exception):
    """The program did not begin; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Descriptors or `asyncio.subprocess` constants for the program's standard streams."""

    standard_input: int
    standard_output: int
    standard_error: int


class RunningProgram:
    """A program and its keeper. Once the program has ended, descendants may go on."""

    def __init__(self, keeper: Keeper, level: Level, reports: Reports) -> None:
        self.keeper = keeper
        self._level = level
        self._reports = reports

    @classmethod
    def adopt(cls, state: ProgramState) -> "RunningProgram":
        """Go on with a program that this process started before an upgrade."""
        return cls(AdoptedKeeper(state.keeper), Level(state.level), Reports(state.reports, state.said))

    def state(self) -> ProgramState:
        """Return what the code after an upgrade needs of it."""
        keeper = self.keeper.pid if self.keeper.returncode is None else 0
        return ProgramState(keeper, self._level.value, self._reports.descriptor, self._reports.said)

    async def begun(self) -> None:
        """Wait until the program begins. CannotStart when it does not."""
        line = await self._reports.find("ready", "error")
        if line != "ready":
            await self.kill()
            raise CannotStart(line.removeprefix("error ") or "the keeper ended")

    async def wait(self) -> Exit:
        """Return how the program ended; neither code nor signal when its keeper was killed."""
        how, _, number = (await self._reports.find("exit", "signal")).partition(" ")
        return self._exit(how, int(number)) if how else Exit()

    def signal(self, number: int) -> None:
        """Signal the program and all its descendants."""
        processes.send_all(self.processes(), number)

    def processes(self) -> list[processes.ProcessKey]:
        """Return the program and all its descendants that are there now, the program first."""
        if self.keeper.returncode is not None:
            return []
        return processes.descendants(self.keeper.pid, self._level.keepers)

    async def kill(self) -> None:
        """Kill everything; when this returns no process is left.

        The keepers go last, and only when the rest does not die: they report how the program ended.
        """
        rounds = 0
        while self.keeper.returncode is None:
            depth = self._level.keepers if rounds < _GENTLE_ROUNDS else 0
            found = await asyncio.to_thread(processes.descendants, self.keeper.pid, depth)
            processes.send_all(found, signal.SIGKILL)
            rounds += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.keeper.wait()), _KILL_INTERVAL)

    def _exit(self, how: str, number: int) -> Exit:
        if how == "signal":
            return Exit(signal=number)
        if self._level is Level.BWRAP and number > _SIGNAL_STATUS:
            return Exit(signal=number - _SIGNAL_STATUS)
        return Exit(code=number)


async def start(sandbox: Sandbox, program: Program, streams: Streams) -> RunningProgram:
    """Start a program inside the sandbox and return when it begins.

    Raises:
        CannotStart: the walls or the program could not be set up.
    """
    source, description = os.pipe()
    reports, report = os.pipe()
    keeper_arguments = (sys.executable, "-I", "-S", str(_KEEPER), str(source), str(report))
    try:
        keeper = await asyncio.create_subprocess_exec(
            *keeper_arguments,
            stdin=streams.standard_input,
            stdout=streams.standard_output,
            stderr=streams.standard_error,
            env=_ENVIRONMENT,
            cwd="/",
            pass_fds=(source, report),
            start_new_session=True,
        )
    except OSError as error:
        os.close(description)
        os.close(reports)
        raise CannotStart(error.strerror or str(error)) from error
    finally:
        os.close(source)
        os.close(report)
    running = RunningProgram(keeper, sandbox.level, Reports(reports))
    await asyncio.to_thread(_describe, description, sandbox.describe(program))
    await running.begun()
    return running


def _describe(descriptor: int, description: dict[str, object]) -> None:
    try:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(json.dumps(description).encode())
    except BrokenPipeError:
        return  # the keeper died; its missing report says so


async def probe(
    room: Path,
    hidden: Sequence[Path],
    wanted: Level | None = None,
    *,
    at_least: Level = Level.PROCESS,
    temporary: Path | None = None,
) -> Sandbox:
    """Return the strongest sandbox that works here, or the wanted one; `hidden` and `temporary` are what it will have.

    Raises:
        CannotStart: the wanted level, or none as strong as `at_least`, works here; the text says why, and what to do.
    """
    obstacles: list[str] = []
    for level in at_least.and_stronger if wanted is None else (wanted,):
        failure = await _try(Sandbox(level, room, hidden, temporary))
        if failure is None:
            return Sandbox(level, room, hidden, temporary, " ".join(obstacles))
        obstacles.append(level.obstacle(failure))
    raise CannotStart(" ".join(obstacles))


async def _try(sandbox: Sandbox) -> str | None:
    """Return what is wrong with the sandbox: programs fail in it, or read what it should hide. None when nothing is."""
    canary = sandbox.room / "canary"
    canary.write_text("Nobody reads this in a sandbox.\n")
    look = Program(("/bin/sh", "-c", _LOOK, "sh", str(canary)), {}, sandbox.room / "files")
    streams = Streams(asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT)
    try:
        running = await start(sandbox, look, streams)
        said = await running.keeper.stdout.read() if running.keeper.stdout is not None else b""
        ended = await running.wait()
        await running.kill()
    except CannotStart as error:
        return str(error)
    finally:
        canary.unlink()
    if ended.code == _SEEN:
        return None if sandbox.level is Level.PROCESS else "programs inside it read what it should hide"
    return None if ended.code == 0 else said.decode(errors="replace").strip()[:_COMPLAINT]
