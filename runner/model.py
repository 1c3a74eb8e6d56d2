"""The model of a terminal's screen: it answers what programs ask a terminal, and knows the title they set."""

from collections.abc import Callable

from pyghostty._ffi import ffi, lib  # the title is not in its Python layer
from pyghostty.core import Terminal, check

MAXIMUM_TITLE = 1024
"""Bytes of a title that are kept: more is no title."""

_FOREGROUND = (204, 204, 204)
_BACKGROUND = (0, 0, 0)
_CELL_PIXELS = (8, 16)


class Model:
    """A screen of one terminal, fed with its output.

    It keeps no scrollback and loads no images: it exists to answer queries, so a program can make it neither grow nor
    read a file.
    """

    def __init__(self, columns: int, rows: int, reply: Callable[[bytes], None]) -> None:
        """Open a model of the given size; `reply` gets each answer, from inside `feed`."""
        self._terminal = Terminal(columns, rows, scrollback=0, fg=_FOREGROUND, bg=_BACKGROUND)
        self._reply = reply
        self._terminal.on_reply(self._on_reply)
        self._silent = False
        self._title_changed = False
        self._title_callback = ffi.callback("GhosttyTerminalTitleChangedFn", self._on_title)
        self._set("TITLE_CHANGED", self._title_callback)
        self._size_callback = ffi.callback("GhosttyTerminalSizeFn", self._on_size)
        self._set("SIZE", self._size_callback)
        self._set("KITTY_IMAGE_STORAGE_LIMIT", ffi.new("uint64_t*", 0))

    def feed(self, data: bytes) -> None:
        """Show output on the screen."""
        self._terminal.feed(data)

    def show_again(self, data: bytes) -> None:
        """Show output of before an upgrade: what programs asked in it was answered then."""
        self._silent = True
        self._terminal.feed(data)
        self._silent = False
        self._title_changed = False

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the screen."""
        self._terminal.resize(columns, rows, *_CELL_PIXELS)

    def take_title(self) -> bytes | None:
        """Return the title if it changed since the last call, as UTF-8."""
        if not self._title_changed:
            return None
        self._title_changed = False
        title = self._terminal.get("title", "GhosttyString")
        raw = bytes(ffi.buffer(title.ptr, min(title.len, MAXIMUM_TITLE))) if title.len else b""
        return raw.decode(errors="ignore").encode()

    def close(self) -> None:
        """Free the screen."""
        self._terminal.close()

    def _set(self, option: str, value: object) -> None:
        number = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
        check(lib.ghostty_terminal_set(self._terminal._t[0], number, value), option)  # noqa: SLF001 the package offers no other way

    def _on_reply(self, data: bytes) -> None:
        if not self._silent:
            self._reply(data)

    def _on_title(self, _terminal: object, _user_data: object) -> None:
        self._title_changed = True

    def _on_size(self, _terminal: object, _user_data: object, size: object) -> bool:
        columns, rows = self._terminal.size
        size.columns, size.rows = columns, rows  # type: ignore[attr-defined]  # a C struct
        size.cell_width, size.cell_height = _CELL_PIXELS  # type: ignore[attr-defined]  # a C struct
        return True
