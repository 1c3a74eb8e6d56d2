"""Brings a file that grows to the disk soon, in a thread, so that nobody waits for the disk."""

import asyncio
import os
from concurrent.futures import Executor
from pathlib import Path

from chassis import logs

_DELAY = 0.05
"""Seconds until written bytes are on the disk: the promise of the output log."""

_EAGER_BYTES = 256 * 1024
"""Unwritten bytes that do not wait for the delay."""

_log = logs.get("spool")


class Synchronizer:
    """Calls fdatasync for one descriptor at a time; the executor must run its jobs in order on one thread."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._descriptor = -1
        self._dirty = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running = False

    def watch(self, descriptor: int, directory: Path) -> None:
        """Look after a new file; its name is brought to the disk too."""
        self._descriptor = descriptor
        self._executor.submit(_sync_folder, directory)

    def wrote(self, size: int) -> None:
        """Note that `size` bytes were written to the file."""
        self._dirty += size
        if self._running:
            return
        if self._dirty >= _EAGER_BYTES:
            self._start()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY, self._start)

    def retire(self, descriptor: int) -> None:
        """Bring the file to the disk and close it, without waiting."""
        self._executor.submit(_sync_and_close, descriptor)

    async def close(self, descriptor: int) -> None:
        """Bring the file to the disk and close it."""
        self._cancel_timer()
        self._descriptor, self._dirty = -1, 0
        await asyncio.get_running_loop().run_in_executor(self._executor, _sync_and_close, descriptor)

    def _start(self) -> None:
        self._cancel_timer()
        if self._descriptor < 0:
            return
        self._dirty, self._running = 0, True
        job = asyncio.get_running_loop().run_in_executor(self._executor, _sync, self._descriptor)
        job.add_done_callback(self._finished)

    def _finished(self, _job: "asyncio.Future[None]") -> None:
        self._running = False
        if self._dirty and self._descriptor >= 0:
            self.wrote(0)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _sync(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        # The bytes are still in the page cache, so they survive this process; a disk that fails needs a person.
        _log.error("The spool cannot be brought to the disk", errno=error.errno)


def _sync_and_close(descriptor: int) -> None:
    _sync(descriptor)
    os.close(descriptor)


def _sync_folder(directory: Path) -> None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
