"""The local terminal: raw while a session is attached, and always as it was afterwards."""

import asyncio
import os
import re
import signal
import stat
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

READ_BYTES = 32 * 1024

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
"""Only from there: on the main screen it would put the cursor where it was saved last, in the middle of the text."""

RESTORE = (
    b"\x1b[?1l\x1b>"  # cursor keys and keypad send what they usually send
    b"\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l"  # no reports of the mouse and of focus
    b"\x1b[?2004l"  # no marks around pasted text
    b"\x1b[?25h\x1b[0m\r\n"  # visible cursor, plain text, new line
)
"""Ends the modes that a program in the session may have left on."""

_SCREEN = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")


class Terminal:
    """Standard input and output. Either may be a pipe or a file."""

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()
        self._output = sys.stdout.fileno()
        self._alternate_screen = False

    @property
    def interactive(self) -> bool:
        """Whether a person sits in front of it."""
        return os.isatty(self._input) and os.isatty(self._output)

    def size(self) -> tuple[int, int]:
        """Return columns and rows; 0 and 0 when there is no terminal."""
        if not os.isatty(self._output):
            return 0, 0
        size = os.get_terminal_size(self._output)
        return size.columns, size.lines

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Pass every key through, and restore the terminal at the end, whatever happens."""
        if not self.interactive:
            yield
            return
        before = termios.tcgetattr(self._input)
        tty.setraw(self._input, termios.TCSADRAIN)  # what was typed ahead is meant for the session
        try:
            yield
        finally:
            os.write(self._output, (LEAVE_ALTERNATE_SCREEN if self._alternate_screen else b"") + RESTORE)
            termios.tcsetattr(self._input, termios.TCSADRAIN, before)

    @contextmanager
    def watch_size(self, changed: Callable[[], None]) -> Iterator[None]:
        """Call `changed` whenever the window's size changes."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, changed)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)

    async def typed(self) -> AsyncIterator[bytes]:
        """Yield what is typed or piped in, until its end."""
        kind = os.fstat(self._input).st_mode
        if not (os.isatty(self._input) or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
            # A file and /dev/null are always readable, and the event loop refuses to watch them.
            while data := os.read(self._input, READ_BYTES):
                yield data
            return
        while True:
            await _readable(self._input)
            data = os.read(self._input, READ_BYTES)
            if not data:
                return
            yield data

    async def clear(self) -> None:
        """Empty the screen; what stood there can be scrolled back to."""
        _, rows = self.size()
        await self.show(b"\r\n" * rows + b"\x1b[H\x1b[2J")

    async def show(self, data: bytes) -> None:
        """Write all bytes, which hold sequences in full; a slow terminal slows down only its own device's output."""
        if switches := _SCREEN.findall(data):
            self._alternate_screen = switches[-1] == b"h"
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]


async def _readable(descriptor: int) -> None:
    """Return when the next read gives something at once.

    Watched anew each time: a watch that stays may announce once more what was read since, and then the read blocks.
    """
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
