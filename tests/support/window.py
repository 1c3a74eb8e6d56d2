"""A terminal window in which a command runs."""

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.support.waiting import PATIENCE


class Window:
    """A terminal window in which the command runs; `shown` is what it displays."""

    def __init__(self, terminal: int, process: asyncio.subprocess.Process) -> None:
        self.terminal = terminal
        self.process = process
        self.shown = bytearray()
        self._changed = asyncio.Event()

    def read(self) -> None:
        """Take what is there to be displayed."""
        try:
            self.shown += os.read(self.terminal, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.terminal)
        self._changed.set()

    async def until_shown(self, text: bytes) -> None:
        """Wait until the text is displayed."""
        try:
            async with asyncio.timeout(PATIENCE):
                while text not in self.shown:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            msg = f"{text!r} is not displayed; the last that is: {bytes(self.shown[-1000:])!r}"
            raise AssertionError(msg) from error

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.terminal, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the kernel tells the program."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@asynccontextmanager
async def opened_window(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Window]:
    """Open a window in which `stateroom` runs with the arguments; afterwards the terminal must be as it was."""
    terminal, inside = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", "env", "--default-signal=INT,QUIT"),  # which a run in the background ignores
        *(sys.executable, "-P", "-m", "cli.main", *arguments),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**environment, "TERM": "xterm-256color"},
    )
    window = Window(terminal, process)
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(inside)
    loop.add_reader(terminal, window.read)
    try:
        yield window
        assert termios.tcgetattr(inside) == before
    finally:
        loop.remove_reader(terminal)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(terminal)
        os.close(inside)
