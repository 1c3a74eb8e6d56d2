"""One process that the supervisor starts, watches and stops."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded import child
from embedded.errors import StartFailed

LOG_TAIL_LINES = 5
"""Lines of a log that are shown when a process does not start."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run.

    `stop_signal` asks it to end in an orderly way, and is also what it gets when the supervisor dies.
    `wrapper` stands in front of everything else, such as `unshare …`.
    Without a `log_file` it writes to our standard error.
    """

    name: str
    arguments: Sequence[str]
    log_file: Path | None
    environment: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    wrapper: Sequence[str] = ()


class ManagedProcess:
    """A running program in a process session of its own, so that Ctrl-C reaches the supervisor only."""

    def __init__(self, program: Program, process: Process) -> None:
        self.program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> "ManagedProcess":
        """Start the program; its output is appended to its log file.

        Raises:
            StartFailed: the program cannot be executed.
        """
        launcher = [sys.executable, "-S", "-E", child.__file__, str(os.getpid()), str(int(program.stop_signal))]
        try:
            with _output(program.log_file) as descriptor:
                process = await asyncio.create_subprocess_exec(
                    *program.wrapper,
                    *launcher,
                    *program.arguments,
                    stdin=DEVNULL,
                    stdout=descriptor,
                    stderr=descriptor,
                    env=dict(program.environment),
                    start_new_session=True,
                )
        except OSError as error:
            msg = f"{program.name} cannot be started: {error}."
            raise StartFailed(msg) from error
        return cls(program, process)

    @property
    def pid(self) -> int:
        """Its process id, which the kernel does not reuse before `wait` has returned."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for its end; negative numbers are signals."""
        return await self._process.wait()

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109  # after it, stronger means are used
        """Ask it to stop, and kill its process group when it has not after `timeout` seconds."""
        if not self.running:
            return
        self._process.send_signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(timeout):
                await self._process.wait()
        except TimeoutError:
            os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()

    def failure(self) -> StartFailed:
        """Return the error that says what its log said last."""
        if self.program.log_file is None:
            return StartFailed(f"{self.program.name} did not start; it says why above.")
        lines = self.program.log_file.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        said = "\n  ".join(lines) or "(nothing)"
        return StartFailed(
            f"{self.program.name} did not start; the whole log is {self.program.log_file}. It said:\n  {said}"
        )


@contextmanager
def _output(log_file: Path | None) -> Iterator[int]:
    """Give the descriptor that a program writes to."""
    if log_file is None:
        yield sys.stderr.fileno()
        return
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
