"""`stateroom session attach` in a real terminal."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.endpoint import Endpoint
from tests.support.fake_session import FakeSession

ROOT = Path(__file__).resolve().parents[3]


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
        while text not in self.shown:
            self._changed.clear()
            await self._changed.wait()

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.terminal, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size; the kernel tells the program."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@asynccontextmanager
async def _attached(endpoint: Endpoint) -> AsyncIterator[Window]:
    terminal, inside = pty.openpty()
    environment = {"PATH": os.defpath, "STATEROOM_URL": endpoint.url, "STATEROOM_API_KEY": endpoint.api_key}
    process = await asyncio.create_subprocess_exec(
        *("setsid", "--ctty", sys.executable, "-c", "from cli.main import run; run()", "session", "attach", "s"),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
    )
    window = Window(terminal, process)
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(inside)
    loop.add_reader(terminal, window.read)
    try:
        yield window
        # Raw while attached, and as before when the command has ended, however it ended.
        assert termios.tcgetattr(inside) == before
    finally:
        loop.remove_reader(terminal)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(terminal)
        os.close(inside)


async def test_attach_keys_and_output_pass_and_detach_key_ends() -> None:
    """Every key but the detach key reaches the session, Ctrl-C too; output is shown without queries."""
    session = FakeSession(b"before\x1b[6n\x1b]11;?\x07after", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"beforeafter")
        window.press(b"ls\r\x03\x1b[A")
        await session.until_typed(b"ls\r\x03\x1b[A")
        window.press(b"\x1d")
        assert await window.process.wait() == 0
        await window.until_shown(b"the session goes on.]")
    assert b"Ctrl-] detaches" in window.shown


async def test_attach_window_resized_session_follows() -> None:
    """The session gets the window's new size."""
    session = FakeSession(b"ready", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"ready")
        window.resize(132, 43)
        assert await session.until_message("resize") == {"columns": 132, "rows": 43}
        window.press(b"\x1d")
        await window.process.wait()


async def test_attach_session_ends_says_how() -> None:
    """The command ends with the session and tells its exit code."""
    async with FakeSession(b"bye").serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"The session ended: exit code 3.")
        assert await window.process.wait() == 0


async def test_attach_connection_cut_shows_the_rest() -> None:
    """After a cut the output goes on where it was."""
    printed = b"".join(b"line %d\r\n" % number for number in range(1000))
    async with FakeSession(printed, cuts=(4000,)).serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"line 999\r\n")
        await window.process.wait()
    assert b"connection lost; attaching again" in window.shown


async def test_attach_terminated_terminal_is_restored() -> None:
    """SIGTERM leaves the terminal as it was."""
    session = FakeSession(b"ready", stay=True)
    async with session.serve() as endpoint, _attached(endpoint) as window:
        await window.until_shown(b"ready")
        window.process.send_signal(signal.SIGTERM)
        await window.process.wait()
