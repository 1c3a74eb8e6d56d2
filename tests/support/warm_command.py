"""The command line in processes forked from one that has loaded it: to load it takes longer than most of what it does.

Each command still is a process, with pipes, arguments, a folder and an environment of its own.
"""

import asyncio
import gc
import io
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

_LARGEST = 1 << 17
"""Bytes of a command's arguments and environment."""


async def run(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: bytes
) -> tuple[int, bytes, bytes]:
    """Run `stateroom` and return its exit code and what it wrote to standard output and standard error."""
    told = json.dumps([list(arguments), dict(environment), str(folder)]).encode()
    (theirs, ours), *readers = os.pipe(), os.pipe(), os.pipe(), os.pipe()
    writers = [writer for _, writer in readers]
    socket.send_fds(_loaded(), [told], [theirs, *writers])
    for given in (theirs, *writers):
        os.close(given)
    feeding = asyncio.to_thread(_feed, ours, stdin)
    _, (output, errors, code) = await asyncio.gather(feeding, asyncio.gather(*(_all(reader) for reader, _ in readers)))
    return int(code), output, errors


def _feed(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as file:
        file.write(data)


async def _all(pipe: int) -> bytes:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(pipe, "rb", 0))
    try:
        return await reader.read()
    finally:
        transport.close()


@cache
def _loaded() -> socket.socket:
    """Return the way to the process that has loaded the command line. It ends with this one, which closes its end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = [sys.executable, "-P", "-m", __name__]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    os.posix_spawn(sys.executable, arguments, environment, file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)])
    theirs.close()
    return ours


def _serve(commands: socket.socket) -> None:
    """Fork a process for each command, which waits for it, until nobody has any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        told, files, _, _ = socket.recv_fds(commands, _LARGEST, 4)
        if not told:
            return
        if os.fork() == 0:
            commands.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            *standard, status = files
            if (pid := os.fork()) == 0:
                os.close(status)
                _become(told, standard)
            for file in standard:
                os.close(file)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.write(status, str(code).encode())
            os._exit(0)
        for file in files:
            os.close(file)


def _become(told: bytes, standard: Sequence[int]) -> NoReturn:
    """Be the command."""
    from cli import main  # noqa: PLC0415  # loaded long since, by the process that this one was forked from

    arguments, environment, folder = json.loads(told)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()  # noqa: TID251  # what a new process has
    os.environ.update(environment)  # noqa: TID251  # as above
    sys.argv = ["stateroom", *arguments]
    main.run()
    sys.exit(0)


def _load() -> None:
    """Do what every command does first, so that none has to: run one, which nobody answers."""
    from cli import main  # noqa: PLC0415  # by the process that is forked, not by those that import this module

    sys.argv = ["stateroom", "whoami"]
    os.environ.update(STATEROOM_URL="http://127.0.0.1:9", STATEROOM_API_KEY="-")  # noqa: TID251  # told to none else
    with suppress(SystemExit), redirect_stderr(io.StringIO()):
        main.run()
    gc.freeze()


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=0))
