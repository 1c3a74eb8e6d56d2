"""The model of a terminal's screen: it answers what programs ask a terminal, and knows what the terminal shows."""

from collections.abc import Callable, Iterator

from pyghostty._ffi import ffi, lib  # callbacks are not in its Python layer
from stateroom.terminal.v1.screen_pb2 import Progress, Screen

from runner.ghostty import Ghostty
from runner.painting import paint
from runner.record import RecordType

MAXIMUM_TITLE = 1024
"""Bytes of a title that are kept: more is no title."""

_FOREGROUND = (204, 204, 204)
_BACKGROUND = (0, 0, 0)
_CELL_PIXELS = (8, 16)

_PROGRESS = {
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_REMOVE: Progress.NONE,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_SET: Progress.RUNNING,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_ERROR: Progress.ERROR,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_INDETERMINATE: Progress.INDETERMINATE,
    lib.GHOSTTY_TERMINAL_PROGRESS_STATE_PAUSE: Progress.PAUSED,
}


class Model:
    """A screen of one terminal, fed with its output."""

    def __init__(self, columns: int, rows: int, reply: Callable[[bytes], None]) -> None:
        """Open a model of the given size; `reply` gets each answer, from inside `feed`."""
        self._terminal = Ghostty(columns, rows, fg=_FOREGROUND, bg=_BACKGROUND)
        self._reply = reply
        self._terminal.on_reply(self._on_reply)
        self._silent = False
        self._told: dict[RecordType, bytes] = {}
        self._callbacks = {
            "TITLE_CHANGED": ffi.callback("GhosttyTerminalTitleChangedFn", self._on_title),
            "SIZE": ffi.callback("GhosttyTerminalSizeFn", self._on_size),
            "BELL": ffi.callback("GhosttyTerminalBellFn", self._on_bell),
            "PROGRESS_REPORT": ffi.callback("GhosttyTerminalProgressReportFn", self._on_progress),
        }
        for option, callback in self._callbacks.items():
            self._terminal.set(option, callback)

    def feed(self, data: bytes) -> None:
        """Show output on the screen."""
        self._terminal.feed(data)

    def show_again(self, data: bytes) -> None:
        """Show output of before an upgrade: what programs asked in it was answered then."""
        self._silent = True
        self._terminal.feed(data)
        self._silent = False
        self._told.clear()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the screen."""
        self._terminal.resize(columns, rows, *_CELL_PIXELS)

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._terminal.alternate

    def screen(self, offset: int) -> Screen | None:
        """Return what is shown after the output below an offset; None in the middle of a sequence or a character."""
        terminal = self._terminal
        if not terminal.at_ground:
            return None
        (columns, rows), (column, row) = terminal.size, terminal.cursor
        return Screen(
            offset=offset,
            columns=columns,
            rows=rows,
            cursor_column=column,
            cursor_row=row,
            cursor_visible=bool(terminal.get("cursor_visible", "bool")),
            alternate_screen=terminal.alternate,
            title=self._title.decode(),
            text=terminal.formatted(plain=True).decode(errors="replace"),
            data=paint(terminal),
        )

    def take_told(self) -> Iterator[tuple[RecordType, bytes]]:
        """Yield what programs told of themselves since the last call, the newest of each kind, as a record has it."""
        while self._told:
            yield self._told.popitem()

    def close(self) -> None:
        """Free the screen."""
        self._terminal.close()

    @property
    def _title(self) -> bytes:
        return self._terminal.string("title")[:MAXIMUM_TITLE].decode(errors="ignore").encode()

    def _on_reply(self, data: bytes) -> None:
        if not self._silent:
            self._reply(data)

    def _on_title(self, _terminal: object, _user_data: object) -> None:
        self._told[RecordType.TITLE] = self._title

    def _on_bell(self, _terminal: object, _user_data: object) -> None:
        self._told[RecordType.BELL] = b""

    def _on_progress(self, _terminal: object, _user_data: object, report: object) -> None:
        percent = report.progress if report.progress >= 0 else None  # type: ignore[attr-defined]  # a C struct
        state = _PROGRESS.get(report.state, Progress.NONE)  # type: ignore[attr-defined]  # a C struct
        self._told[RecordType.PROGRESS] = Progress(state=state, percent=percent).SerializeToString()

    def _on_size(self, _terminal: object, _user_data: object, size: object) -> bool:
        columns, rows = self._terminal.size
        size.columns, size.rows = columns, rows  # type: ignore[attr-defined]  # a C struct
        size.cell_width, size.cell_height = _CELL_PIXELS  # type: ignore[attr-defined]  # a C struct
        return True
