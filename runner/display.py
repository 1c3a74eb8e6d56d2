"""What a terminal shows, and the records by which its log tells of that: title, bell, progress, the screen itself."""

import asyncio
from collections.abc import Callable

from stateroom.terminal.v1.screen_pb2 import Screen

from runner.checkpoints import Checkpoints
from runner.model import Model
from runner.record import RecordType, size_of
from runner.spool import Spool

_BELL_REST = 1.0
"""Seconds for which all bells are one."""

Write = Callable[[RecordType, list[bytes]], bool]
"""Writes records of one type into the log; false when the disk refuses them."""


class Display:
    """The display of one terminal. All that it is fed with is in the log already."""

    def __init__(self, columns: int, rows: int, reply: Callable[[bytes], None], spool: Spool, write: Write) -> None:
        """`reply` gets what the terminal answers to programs."""
        self._model = Model(columns, rows, reply)
        self._spool = spool
        self._write = write
        self._checkpoints = Checkpoints(self._model, lambda: spool.end_offset, self._keep)
        self._progress = b""
        self._rang = float("-inf")

    def feed(self, data: bytes) -> None:
        """Show output."""
        self._model.feed(data)
        for type_, body in self._model.take_told():
            if self._is_news(type_, body):
                self._write(type_, [body])
        self._checkpoints.fed(len(data))

    def resize(self, columns: int, rows: int) -> None:
        """Change the size; the record of it follows."""
        self._model.resize(columns, rows)

    def resized(self) -> None:
        """Note that the record of a new size is in the log: a screen of that size may follow."""
        self._checkpoints.resized()

    def show_again(self, columns: int, rows: int) -> None:
        """Show what was shown before an upgrade: the newest screen in the log, and the output since."""
        records = list(self._spool.newest())
        kept = [at for at, record in enumerate(records) if record.type is RecordType.SCREEN]
        size = 0
        for record in records[kept[-1] if kept else 0 :]:
            if record.type is RecordType.SCREEN:
                screen = Screen.FromString(record.body)
                self._model.resize(screen.columns, screen.rows)
                self._model.show_again(screen.data)
            elif record.type is RecordType.RESIZE:
                self._model.resize(*size_of(record))
            elif record.type is RecordType.OUTPUT:
                self._model.show_again(record.body)
                size += len(record.body)
        self._model.resize(columns, rows)
        self._checkpoints.fed(size)

    def screen(self) -> Screen | None:
        """Return what is shown; in the middle of a sequence what was shown when it was last kept, if it ever was."""
        return self._model.screen(self._spool.end_offset) or self._checkpoints.newest

    def keep_last(self) -> None:
        """Keep the screen as it is at the end."""
        self._checkpoints.make()

    def close(self) -> None:
        """Free it."""
        self._checkpoints.close()
        self._model.close()

    def _keep(self, screen: bytes) -> bool:
        return self._write(RecordType.SCREEN, [screen])

    def _is_news(self, type_: RecordType, body: bytes) -> bool:
        if type_ is RecordType.BELL:
            now = asyncio.get_running_loop().time()
            if now < self._rang + _BELL_REST:
                return False
            self._rang = now
        if type_ is RecordType.PROGRESS:
            before, self._progress = self._progress, body
            return body != before
        return True
