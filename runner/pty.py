"""The pseudo terminal: its size, and the one reader of what programs print."""

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_READ_BYTES = 16 * 1024
_BATCH_BYTES = 64 * 1024
"""Bytes taken in one turn of the loop: enough for throughput, a fraction of a millisecond for everybody else."""

_WINDOW = struct.Struct("HHHH")
_PROCESS = struct.Struct("i")
_TIOCGSID = 0x5429
"""Linux's number; Python 3.11 has no name for it."""


def open_pair(columns: int, rows: int) -> tuple[int, int]:
    """Return a new terminal's two ends, ours without blocking."""
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    resize(ours, columns, rows)
    return ours, theirs


def open_pipe() -> tuple[int, int]:
    """Return a new pipe's two ends, ours without blocking."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    return ours, theirs


@contextmanager
def open_source(content: bytes) -> Iterator[int]:
    """Give a descriptor, for a block, from which a program reads `content`, and goes on to after it."""
    source = os.memfd_create("source")
    try:
        with os.fdopen(os.dup(source), "wb") as file:
            file.write(content)
        os.lseek(source, 0, os.SEEK_SET)
        yield source
    finally:
        os.close(source)


def resize(descriptor: int, columns: int, rows: int) -> None:
    """Change the size; the kernel tells the foreground programs."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _WINDOW.pack(rows, columns, 0, 0))


def session_leader(descriptor: int) -> int:
    """Return the process id of the shell, or 0 when the terminal has none."""
    try:
        raw = fcntl.ioctl(descriptor, _TIOCGSID, bytes(_PROCESS.size))
    except OSError:
        return 0
    leader: int = _PROCESS.unpack(raw)[0]
    return max(leader, 0)


class PtyReader:
    """Hands on what programs print, in order, until nobody holds the other end."""

    def __init__(self, descriptor: int, output: Callable[[bytes], None]) -> None:
        """Begin to read; `output` gets up to 64 KiB at a time."""
        self.finished = asyncio.Event()
        self.wakeups = 0
        self.paused = False
        self._descriptor = descriptor
        self._output = output
        asyncio.get_running_loop().add_reader(descriptor, self._ready)

    def pause(self) -> None:
        """Leave what comes in the terminal, so that programs wait once its buffer is full."""
        if not self.paused and not self.finished.is_set():
            self.paused = True
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def resume(self) -> None:
        """Read again."""
        if self.paused and not self.finished.is_set():
            self.paused = False
            asyncio.get_running_loop().add_reader(self._descriptor, self._ready)

    def _ready(self) -> None:
        self.wakeups += 1
        parts: list[bytes] = []
        taken, over = 0, False
        while taken < _BATCH_BYTES:
            try:
                part = os.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                break
            except OSError:  # EIO: the last program closed the other end, and everything it printed came before
                part = b""
            if not part:
                over = True
                break
            parts.append(part)
            taken += len(part)
        if over:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self.finished.set()
        if parts:
            self._output(parts[0] if len(parts) == 1 else b"".join(parts))
