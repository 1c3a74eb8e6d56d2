"""Several processes that serve one port, and the one that starts, watches and stops them."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process

from chassis import logs

RESTART_SECONDS = 1.0
"""How long a worker that died stays away: one that dies at once must not keep a core busy."""
WRONG_SETTINGS = 3
"""The exit code of a process that refuses its settings; another one would refuse them too."""

_log = logs.get("gateway")


async def supervise(count: int, listening: socket.socket, stop: asyncio.Event) -> int:
    """Keep `count` workers serving a socket until `stop` is set, then stop them and wait; returns the exit code.

    A worker that dies is replaced. Workers end by themselves when this process is gone, however it went: each waits
    for the end of the pipe that is its standard input.
    """
    async with asyncio.TaskGroup() as group:
        watches = [group.create_task(_keep(at, listening.fileno(), stop)) for at in range(count)]
    return max(watch.result() for watch in watches)


async def _keep(at: int, listening: int, stop: asyncio.Event) -> int:
    while True:
        # -P: the folder that this process stands in must not provide modules.
        arguments = (sys.executable, "-P", "-m", "gateway.worker", str(listening), str(at))
        worker = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, pass_fds=(listening,))
        _log.info("worker started", worker=at, pid=worker.pid)
        code = await _until_ended(worker, stop)
        if stop.is_set():
            return max(code, 0)  # negative: it was told before it could listen to signals
        if code == WRONG_SETTINGS:
            stop.set()
            return code
        _log.error("worker died", worker=at, pid=worker.pid, code=code)
        try:
            async with asyncio.timeout(RESTART_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue
        return 0


async def _until_ended(worker: Process, stop: asyncio.Event) -> int:
    """Return the exit code of a worker, which is told to end when `stop` is set."""
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(_tell(worker, stop))
        code = await worker.wait()
        telling.cancel()
    return code


async def _tell(worker: Process, stop: asyncio.Event) -> None:
    await stop.wait()
    if worker.returncode is None:
        worker.terminate()
