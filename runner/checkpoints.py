"""When the screen of a terminal is kept as a record of its log, so that a late device need not read all of the log.

Half a second after something that makes it worth it: some output, another screen or another size; and at once when
there was much output. Never in the middle of an escape sequence or a character. What it costs is bounded: between two
screens there is twice their size of output, and a rest of twenty times what the last one took.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.model import Model
from runner.record import MAXIMUM_SCREEN

if TYPE_CHECKING:
    from stateroom.terminal.v1.screen_pb2 import Screen

SOON = 0.5
"""Seconds until a screen is kept that is worth it."""

WORTH = 16 * 1024
"""Bytes of output that make it worth it: as many are read again as fast as a screen."""

MUCH = 256 * 1024
"""Bytes of output after which it is kept at once: this bounds what a device reads beside the screen."""

_REST = 20
_TIMES_SIZE = 2


class Checkpoints:
    """Keeps the screens of one terminal. `newest` is the last one that was kept."""

    def __init__(self, model: Model, end: Callable[[], int], keep: Callable[[bytes], bool]) -> None:
        """`end` gives the end of the output in the log; `keep` writes a record there, or says that it could not."""
        self.newest: Screen | None = None
        self._model = model
        self._end = end
        self._keep = keep
        self._shown = 0
        self._turned = False
        self._alternate = False
        self._size = 0
        self._rest_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def fed(self, size: int) -> None:
        """Note that the model was fed with so many bytes, which are in the log."""
        self._shown += size
        if self._model.alternate != self._alternate:
            self._alternate = not self._alternate
            self._turned = True
        if self._shown >= max(MUCH, _TIMES_SIZE * self._size) and time.monotonic() >= self._rest_until:
            self.make()
        elif self._turned or self._shown >= max(WORTH, _TIMES_SIZE * self._size):
            self._make_soon()

    def resized(self) -> None:
        """Note that the size changed."""
        self._turned = True
        self._make_soon()

    def make(self) -> None:
        """Keep the screen now, if it changed and can be kept."""
        began = time.monotonic()
        screen = self._model.screen(self._end()) if self._shown or self._turned else None
        if screen is None:
            return
        self._rest_until = time.monotonic() + _REST * (time.monotonic() - began)
        data = screen.SerializeToString()
        self._size = len(data)
        if len(data) > MAXIMUM_SCREEN:
            self._shown, self._turned = 0, False
        elif self._keep(data):
            self._shown, self._turned = 0, False
            self.newest = screen

    def close(self) -> None:
        """Keep no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _make_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON, self._look)

    def _look(self) -> None:
        self._timer = None
        if time.monotonic() < self._rest_until:
            self._make_soon()
            return
        self.make()
        self.fed(0)  # in the middle of a sequence it could not be kept
