"""Processes forked from one that has loaded what they need: to load it takes longer than most of what they do.

Each still is a process, with pipes, arguments, a folder and an environment of its own; only `/proc` shows those of the
process that it was forked from.
"""

import asyncio
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

from typing_extensions import override

_LARGEST = 1 << 17
"""Bytes of what is told about a process."""
_LOADED = {
    "cli": ("cli.main",),
    "runner": ("runner.__main__",),
    "services": tuple(
        f"services.{path.parent.name}.__main__" for path in sorted(Path("services").glob("*/__main__.py"))
    ),
}
"""What processes are forked from, by the package of what they run: that has loaded these modules."""


class _Status(asyncio.Protocol):
    """What is told of a process: its id on a line, and once it has ended its exit code."""

    def __init__(self) -> None:
        self.text = ""
        self.began, self.over = asyncio.Event(), asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        self.text += data.decode()
        self.began.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


class Warm:
    """A process that was forked, as `asyncio.subprocess.Process` would show it."""

    def __init__(self, status: _Status) -> None:
        self.pid = int(status.text.partition("\n")[0])
        self._status = status

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return int(self._status.text.partition("\n")[2]) if self._status.over.is_set() else None

    async def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        await self._status.over.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal. ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Tell it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)


async def start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    standard: Sequence[int | IO[Any] | None] = (None, None, None),
) -> Warm:
    """Run a module as `python -m` does, and return its process.

    Args:
        module: one of those that are loaded.
        arguments: what follows it on a command line.
        env: all of its environment.
        cwd: where it begins; here unless it is said.
        standard: its standard input (nothing unless it is said), output and errors (those of this process).
    """
    told = json.dumps([module, list(arguments), dict(env), str(cwd or Path.cwd())]).encode()
    reading, writing = os.pipe()
    nothing = os.open(os.devnull, os.O_RDONLY)
    usual = (nothing, 1, 2)
    files = [number if given is None else _number(given) for given, number in zip(standard, usual, strict=True)]
    with socket.socket(fileno=os.dup(_loaded(module.partition(".")[0]))) as way:
        socket.send_fds(way, [told], [*files, writing])
    for ours in (nothing, writing):
        os.close(ours)
    _, status = await asyncio.get_running_loop().connect_read_pipe(_Status, os.fdopen(reading, "rb", 0))
    await status.began.wait()
    return Warm(status)


def _number(file: int | IO[Any]) -> int:
    return file if isinstance(file, int) else file.fileno()


@cache
def _loaded(package: str) -> int:
    """Return the way to the process that has loaded a package. It ends with this one, which closes its end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = [sys.executable, "-P", "-m", __name__, package]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    os.posix_spawn(sys.executable, arguments, environment, file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)])
    theirs.close()
    return ours.detach()


def _serve(wishes: socket.socket) -> None:
    """Fork a process for each wish, and one that waits for it, until nobody has any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        told, files, _, _ = socket.recv_fds(wishes, _LARGEST, 4)
        if not told:
            return
        if os.fork() == 0:
            wishes.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            *standard, status = files
            if (pid := os.fork()) == 0:
                os.close(status)
                _become(told, standard)
            for file in standard:
                os.close(file)
            os.write(status, f"{pid}\n".encode())
            with suppress(BrokenPipeError):
                os.write(status, str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
            os._exit(0)
        for file in files:
            os.close(file)


def _become(told: bytes, standard: Sequence[int]) -> NoReturn:
    """Be what is wished for."""
    module, arguments, environment, folder = json.loads(told)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()  # noqa: TID251  # what a new process has
    os.environ.update(environment)  # noqa: TID251  # as above
    random.seed()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    for each in _LOADED[sys.argv[1]]:
        importlib.import_module(each)
        del sys.modules[each]  # what it has loaded stays; itself it is loaded again, as what is run
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=0))
