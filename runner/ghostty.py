"""What pyghostty's Python layer leaves out of libghostty-vt."""

import functools
import weakref
from array import array
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from pyghostty._ffi import ffi, lib
from pyghostty.core import Terminal, check, init_sized
from typing_extensions import override

_MAXIMUM_LINK = 4096  # bytes of a hyperlink's address; a longer one is no link


_ACTIVE_SCREEN = lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN
_ALTERNATE = lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE
_ROW_CELLS = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW

Place = tuple[int, int]
"""Column and row, from 0."""

Cells = tuple[Place, Place]
"""The first and the last of a run of cells."""


class Half(IntEnum):
    """Which part of a wide character a cell is. GAP fills a row whose next character did not fit and went on below."""

    NARROW = lib.GHOSTTY_CELL_WIDE_NARROW
    LEFT = lib.GHOSTTY_CELL_WIDE_WIDE
    RIGHT = lib.GHOSTTY_CELL_WIDE_SPACER_TAIL
    GAP = lib.GHOSTTY_CELL_WIDE_SPACER_HEAD


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell's number says.

    Attributes:
        background: the SGR parameters of an empty cell's colour; empty for a cell with text and for one without colour.
    """

    half: Half
    linked: bool
    background: bytes


@functools.lru_cache(4096)
def cell(number: int) -> Cell:
    """Return what a cell's number says. It does not hold its style and its address, only that it has some."""
    tag = _of_cell(number, "CONTENT_TAG", "GhosttyCellContentTag")
    background = b""
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
        background = b"48;5;%d" % _of_cell(number, "COLOR_PALETTE", "uint8_t")
    elif tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
        rgb = _of_cell(number, "COLOR_RGB", "GhosttyColorRgb")
        background = b"48;2;%d;%d;%d" % (rgb.r, rgb.g, rgb.b)
    half = Half(_of_cell(number, "WIDE", "GhosttyCellWide"))
    return Cell(half, bool(_of_cell(number, "HAS_HYPERLINK", "bool")), background)


def _of_cell(number: int, key: str, type_: str) -> Any:  # as C has it
    out = ffi.new(f"{type_}*")
    check(lib.ghostty_cell_get(number, getattr(lib, f"GHOSTTY_CELL_DATA_{key}"), out), key)
    return out[0]


class Ghostty(Terminal):  # type: ignore[misc]  # the package has no types
    """A terminal's whole state, without scrollback and images: a program can make it neither grow nor read a file."""

    def __init__(self, columns: int, rows: int, **options: object) -> None:
        super().__init__(columns, rows, scrollback=0, **options)
        self.set("KITTY_IMAGE_STORAGE_LIMIT", ffi.new("uint64_t*", 0))

    def set(self, option: str, value: object) -> None:
        """Set an option; what a callback needs must be kept alive by the caller."""
        check(lib.ghostty_terminal_set(self._t[0], getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}"), value), option)

    @property
    def at_ground(self) -> bool:
        """Whether what was fed ends between two sequences and two characters."""
        return bool(self.get("vt_ground", "bool"))

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown. It is asked after every key, so it does without the package's ways."""
        out = ffi.new("GhosttyTerminalScreen*")
        lib.ghostty_terminal_get(self._t[0], _ACTIVE_SCREEN, out)
        return bool(out[0] == _ALTERNATE)

    def string(self, key: str) -> bytes:
        """Return one of the terminal's strings."""
        found = self.get(key, "GhosttyString")
        return bytes(ffi.buffer(found.ptr, found.len)) if found.len else b""

    def colour(self, key: str) -> tuple[int, int, int] | None:
        """Return one of its colours, None for one that is not set."""
        out = ffi.new("GhosttyColorRgb*")
        if lib.ghostty_terminal_get(self._t[0], getattr(lib, f"GHOSTTY_TERMINAL_DATA_COLOR_{key}"), out):
            return None
        return out.r, out.g, out.b

    def palette(self, key: str = "PALETTE") -> bytes:
        """Return the 256 colours, or with PALETTE_DEFAULT those that it began with, as red, green and blue bytes."""
        out = ffi.new("GhosttyColorRgb[256]")
        check(lib.ghostty_terminal_get(self._t[0], getattr(lib, f"GHOSTTY_TERMINAL_DATA_COLOR_{key}"), out), key)
        return bytes(ffi.buffer(out))

    def grid(self) -> "list[array[int]]":
        """Return the cells of each row as numbers: 0 for an empty one; see `cell`."""
        with ExitStack() as stack:
            state, rows = ffi.new("GhosttyRenderState*"), ffi.new("GhosttyRenderStateRowIterator*")
            check(lib.ghostty_render_state_new(ffi.NULL, state), "render state")
            stack.callback(lambda: lib.ghostty_render_state_free(state[0]))
            check(lib.ghostty_render_state_update(state[0], self._t[0]), "update")
            check(lib.ghostty_render_state_row_iterator_new(ffi.NULL, rows), "rows")
            stack.callback(lambda: lib.ghostty_render_state_row_iterator_free(rows[0]))
            check(lib.ghostty_render_state_get(state[0], lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, rows), "rows")
            found, view = [], ffi.new("GhosttyCellsView*")
            while lib.ghostty_render_state_row_iterator_next(rows[0]):
                check(
                    lib.ghostty_render_state_row_get(rows[0], lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, view), "row"
                )
                found.append(array("Q", bytes(ffi.buffer(view.ptr, 8 * view.len))))
            return found

    def half(self, column: int, row: int) -> Half:
        """Return which part of a wide character a cell is."""
        raw = ffi.new("GhosttyCell*")
        check(lib.ghostty_grid_ref_cell(self.ref(column, row), raw), "cell")
        return cell(raw[0]).half

    def wraps(self, row: int) -> bool:
        """Whether a row's line goes on in the next."""
        return self._of_row(row, "WRAP")

    def continues(self, row: int) -> bool:
        """Whether a row goes on with the line before."""
        return self._of_row(row, "WRAP_CONTINUATION")

    def _of_row(self, row: int, key: str) -> bool:
        raw, found = ffi.new("GhosttyRow*"), ffi.new("bool*")
        check(lib.ghostty_grid_ref_row(self.ref(0, row), raw), "row")
        check(lib.ghostty_row_get(raw[0], getattr(lib, f"GHOSTTY_ROW_DATA_{key}"), found), key)
        return bool(found[0])

    def link(self, column: int, row: int) -> bytes:
        """Return the address that a cell links to."""
        length, out = ffi.new("size_t*"), ffi.new("uint8_t[]", _MAXIMUM_LINK)
        if lib.ghostty_grid_ref_hyperlink_uri(self.ref(column, row), out, _MAXIMUM_LINK, length):
            return b""
        return bytes(ffi.buffer(out, length[0]))

    def formatted(self, *extras: str, cells: Cells | None = None, plain: bool = False, unwrap: bool = True) -> bytes:
        """Return cells of the shown screen as VT bytes, or as plain text.

        Args:
            extras: what else they set, by the names of the formatter's options.
            cells: column and row of the first and of the last cell; without them all.
            plain: whether it is text that is wanted.
            unwrap: whether a line that goes on in the next row is written as one.
        """
        options = init_sized("GhosttyFormatterTerminalOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN if plain else lib.GHOSTTY_FORMATTER_FORMAT_VT
        options.trim, options.unwrap = plain, unwrap and not plain
        for extra in extras:
            setattr(options.extra if hasattr(options.extra, extra) else options.extra.screen, extra, True)
        columns, rows = self.size
        first, last = cells or ((0, 0), (columns - 1, rows - 1))
        selection = init_sized("GhosttySelection")
        selection.start, selection.end = self.ref(*first)[0], self.ref(*last)[0]
        options.selection = selection
        formatter = ffi.new("GhosttyFormatter*")
        check(lib.ghostty_formatter_terminal_new(ffi.NULL, formatter, self._t[0], options[0]), "formatter")
        try:
            return _taken(lambda *to: lib.ghostty_formatter_format_buf(formatter[0], *to))
        finally:
            lib.ghostty_formatter_free(formatter[0])

    def copy(self) -> "Ghostty":
        """Return a terminal in the same state that answers nobody. The parser must be at ground."""
        data = _taken(lambda *to: lib.ghostty_snapshot_encode_buf(self._t[0], *to))
        return _Copy(data)

    @override
    def __enter__(self) -> Self:
        return self


class _Copy(Ghostty):
    """A terminal in the state that another was in."""

    def __init__(self, data: bytes) -> None:
        self._unknown_cb = self._reply_cb = self._cb_err = None
        self._t = ffi.new("GhosttyTerminal*")
        decoder = ffi.new("GhosttySnapshotDecoder*")
        check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, data, len(data)), "decoder")
        try:
            check(lib.ghostty_snapshot_decoder_decode(decoder[0], self._t), "decode")
        finally:
            lib.ghostty_snapshot_decoder_free(decoder[0])
        self._free = weakref.finalize(self, lib.ghostty_terminal_free, self._t[0])


def _taken(call: Any) -> bytes:  # a function of the library that fills a buffer
    """Ask for the size, then for the bytes."""
    length = ffi.new("size_t*")
    call(ffi.NULL, 0, length)
    out = ffi.new("uint8_t[]", max(length[0], 1))
    check(call(out, len(out), length), "bytes")
    return bytes(ffi.buffer(out, length[0]))
