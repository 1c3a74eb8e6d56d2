"""The process that keeps a program, as a child of ours: one that was just started, or one from before an upgrade."""

import asyncio
import os
from typing import Protocol


class Keeper(Protocol):
    """A child process; `asyncio.subprocess.Process` is one."""

    @property
    def pid(self) -> int:
        """Its process id."""

    @property
    def returncode(self) -> int | None:
        """None while it lives."""

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """What its program prints, if that goes into a pipe of ours."""

    @property
    def stderr(self) -> asyncio.StreamReader | None:
        """What its program complains about, likewise."""

    async def wait(self) -> int:
        """Wait for its end."""


class AdoptedKeeper:
    """A child that this process started before an upgrade: asyncio knows only of those that it started itself."""

    stdout = None
    stderr = None

    def __init__(self, pid: int) -> None:
        """Find the child; one that is gone, such as 0, has ended."""
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        self._descriptor = -1
        if pid:
            self._look()
        else:
            self.returncode = 0
        if self.returncode is None:
            self._descriptor = os.pidfd_open(pid)
            asyncio.get_running_loop().add_reader(self._descriptor, self._look)

    async def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            await self._ended.wait()
        return self.returncode or 0

    def _look(self) -> None:
        try:
            child, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # its end was taken note of before the upgrade
            child, status = self.pid, 0
        if not child:
            return
        self.returncode = os.waitstatus_to_exitcode(status)
        self._ended.set()
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
