"""All that a terminal shows and remembers, so that two can be compared: cell by cell, and in what they do next."""

from typing import Any

from pyghostty._ffi import ffi, lib

from runner.ghostty import Ghostty, cell

_MODES = (1, 5, 6, 7, 8, 9, 12, 25, 45, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2031)
_ANSI_MODES = (4, 20)
_EXTRAS = ("tabstops", "keyboard", "style", "hyperlink", "protection")
_SETTINGS = (b" q", b"r", b"s")
_LEAVING = {1049: b"\x1b[?1049l", 1047: b"\x1b[?1047l", 47: b"\x1b[?47l"}
_CORNER = ((0, 0), (0, 0))
_KEYBOARD_DEPTH = 8


def look(terminal: Ghostty) -> dict[Any, Any]:
    """Return what it shows, what DECSC saved, what the keyboard's stack holds, and the screen behind the alternate."""
    found = _cells(terminal) | _state(terminal)
    with terminal.copy() as twin:
        twin.feed(b"\x1b8")
        found |= {("saved", key): value for key, value in _state(twin).items()}
        found["keyboards"] = [_pop(twin) for _ in range(_KEYBOARD_DEPTH)]
    if terminal.alternate:
        with terminal.copy() as twin:
            twin.feed(next((way for mode, way in _LEAVING.items() if terminal.mode(mode)), _LEAVING[47]))
            found |= {("main", key): value for key, value in (_cells(twin) | _state(twin)).items()}
    return found


def differences(one: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """Return what differs."""
    return {key: (value, other.get(key)) for key, value in one.items() if value != other.get(key)}


def _cells(terminal: Ghostty) -> dict[Any, Any]:
    columns, rows = terminal.size
    grid = terminal.grid()
    return {
        ("cell", column, row): _cell(terminal, column, row, grid[row][column])
        for row in range(rows)
        for column in range(columns)
    }


def _cell(terminal: Ghostty, column: int, row: int, number: int) -> tuple[object, ...]:
    """Return text, width, link and style, as far as it can be seen: a plain space is nothing."""
    if not number:
        return ()
    length, out = ffi.new("size_t*"), ffi.new("uint32_t[32]")
    lib.ghostty_grid_ref_graphemes(terminal.ref(column, row), out, 32, length)
    text = "".join(map(chr, out[0 : length[0]])).strip("\0") or " "
    style = terminal.style(column, row)
    background = cell(number).background
    if background:
        values = [int(value) for value in background.split(b";")[2:]]
        style["bg"] = ("palette", values[0]) if len(values) == 1 else ("rgb", tuple(values))
    half = cell(number).half.name
    link = terminal.link(column, row) if cell(number).linked else b""
    seen = [(key, value) for key, value in style.items() if value]
    if (text, half in {"NARROW", "GAP"}, link, seen) == (" ", True, b"", []):
        return ()
    return text, half, link, *seen


def _state(terminal: Ghostty) -> dict[str, Any]:
    answers: list[bytes] = []
    with terminal.copy() as twin:
        twin.on_reply(answers.append)
        for setting in _SETTINGS:
            twin.feed(b"\x1bP$q%b\x1b\\" % setting)
    corner = terminal.formatted(cells=_CORNER)
    return {
        "cursor": (terminal.cursor, terminal.get("cursor_pending_wrap", "bool")),
        "alternate": terminal.alternate,
        "modes": [mode for mode in _MODES if terminal.mode(mode)],
        "ansi modes": [mode for mode in _ANSI_MODES if terminal.mode(mode, ansi=True)],
        "title": terminal.string("title"),
        "directory": terminal.string("pwd").rstrip(b"\0"),
        "palette": terminal.palette(),
        "colours": [terminal.colour(key) for key in ("FOREGROUND", "BACKGROUND", "CURSOR")],
        "settings": answers,
        "charsets": _without_ascii(terminal.formatted("charsets", cells=_CORNER).removeprefix(corner)),
    } | {extra: terminal.formatted(extra, cells=_CORNER).replace(corner, b"") for extra in _EXTRAS}


def _without_ascii(charsets: bytes) -> bytes:
    for sequence in (b"\x1b(B", b"\x1b)B", b"\x1b*B", b"\x1b+B"):
        charsets = charsets.replace(sequence, b"")
    return charsets


def _pop(terminal: Ghostty) -> int:
    flags: int = terminal.get("kitty_keyboard_flags", "uint8_t")
    terminal.feed(b"\x1b[<u")
    return flags
