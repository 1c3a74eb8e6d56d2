"""The process that forks runners, and a runner that was just forked."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chassis.errors import ServiceUnavailable

_ATTEMPTS = 2
"""The nursery may have ended, and ends when other code is installed; the next one has that."""
_PATIENCE = 30.0  # seconds for an answer, the first of which waits until the code is loaded
_ANSWER = 32  # bytes of a process id, with room to spare


@dataclass(frozen=True, slots=True)
class Forked:
    """A runner of which this process holds a descriptor: no other process is ever meant."""

    pid: int
    descriptor: int

    async def ended(self) -> None:
        """Wait until it has ended."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.descriptor, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self.descriptor)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)


@dataclass(slots=True)
class Nursery:
    """Starts `python -m runner.nursery` when the first runner is wanted; it ends with this process."""

    environment: Mapping[str, str]
    _way: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    async def fork(self, environment: Mapping[str, str], descriptors: Sequence[int]) -> Forked:
        """Start a runner.

        Args:
            environment: all of its settings.
            descriptors: what it has as standard input, for what it says, and as the lock of its room.

        Raises:
            ServiceUnavailable: it did not start.
        """
        wish = json.dumps(dict(environment)).encode()
        forking = asyncio.get_running_loop().run_in_executor(None, self._fork, wish, descriptors)
        try:
            return await asyncio.shield(forking)
        except asyncio.CancelledError:
            # Until then the thread needs the descriptors, whose numbers would soon stand for other files.
            await asyncio.wait([forking])
            if forking.exception() is None:
                os.close(forking.result().descriptor)
            raise

    def _fork(self, wish: bytes, descriptors: Sequence[int]) -> Forked:
        with self._turn:
            for _ in range(_ATTEMPTS):
                with suppress(ConnectionError, TimeoutError):
                    pid, found = _ask(self._open(), wish, descriptors)
                    if found:
                        return Forked(int(pid), found[0])
                self.close()
        raise ServiceUnavailable(service="runner")

    def _open(self) -> socket.socket:
        """Return the way to the nursery that lives, or to a new one."""
        if self._way is None:
            self._way, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._way.settimeout(_PATIENCE)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "runner.nursery"],
                    stdin=theirs.fileno(),
                    env=dict(self.environment),
                    start_new_session=True,
                )
        return self._way

    def close(self) -> None:
        """End the nursery. The runners go on."""
        if self._way is not None:
            self._way.close()
            self._way = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _ask(way: socket.socket, wish: bytes, descriptors: Sequence[int]) -> tuple[bytes, list[int]]:
    """Return the answer to a wish: nothing of a nursery that has ended."""
    socket.send_fds(way, [wish], descriptors)
    pid, found, _, _ = socket.recv_fds(way, _ANSWER, 1)
    for descriptor in found:
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # the only form
    return pid, found
