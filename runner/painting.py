"""A screen as the bytes that paint it on an empty terminal of the same size: both screens, cursor, pen, modes, colours.

The library's formatter writes the cells of the shown screen with their styles, and some state. The rest is asked of a
copy of the terminal, which may be changed: the other screen, what DECSC saved, margins, the stack of keyboard modes.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from runner.ghostty import Ghostty, Half, Place, cell

if TYPE_CHECKING:
    from array import array

_PLAIN = b'\x1b[0m\x1b[0"q\x1b]8;;\x1b\\'
"""No style, no protection, no link."""

_ASCII = b"\x1b(B\x1b)B\x1b*B\x1b+B\x0f"

_ENTERING = (1049, 1047, 47)
"""Modes that show the alternate screen; a program sets one of them."""

_MODE = re.compile(rb"\x1b\[\??(\d+)[hl]")
_ELSEWHERE = {*_ENTERING, 3, 6, 69, 1048, 2048}
"""Modes that do more than to be set: they clear, switch, move or save the cursor, or have the terminal answer. Those
that matter are painted in their own place. 2048 would have a device type its sizes, which it tells in another way."""

_BARE = b"\x1b[0m\x1b[?6l\x1b[?69l\x1b[r\x1b[4l\x1b(B\x0f\x1b]8;;\x1b\\\x1b[?7l"
"""What is printed stands where and as it is printed."""

_CORNER = ((0, 0), (0, 0))

_KEYBOARD_DEPTH = 8  # entries of the library's stack

_SPECIAL_COLOURS = {"FOREGROUND": 10, "BACKGROUND": 11, "CURSOR": 12}


def paint(screen: Ghostty) -> bytes:
    """Return the bytes. The parser must be at ground."""
    with screen.copy() as twin:
        margins, home = _margins(twin), _home(twin)
        parts = [_colours(screen), _text(2, screen.string("title")), _text(7, screen.string("pwd"))]
        if screen.alternate:
            entering = [mode for mode in _ENTERING if screen.mode(mode)] or [47]
            with screen.copy() as main:
                main.feed(b"\x1b[?%dl" % entering[0])
                parts += [_content(main), margins, _saved(main, home)]
                plain = _plain(main)
                parts += [_style(main), _keyboard(main)]
            parts += [b"\x1b7", *(b"\x1b[?%dh" % mode for mode in entering), plain, b"\x1b[?6l\x1b[?69l\x1b[r"]
        parts += [_content(screen), _extras(screen, "tabstops", before=True), margins]
        parts += [] if screen.alternate else [_hidden(screen, home)]
        parts += [_saved(twin, home), b"\x1b7", _plain(twin), _position(screen, home)]
        modes = _extras(screen, "modes", before=True)
        parts += [found[0] for found in _MODE.finditer(modes) if int(found[1]) not in _ELSEWHERE]
        parts += [_extras(screen, "keyboard"), _style(twin), _pen(screen), _keyboard(twin)]
    return b"".join(parts)


def _hidden(screen: Ghostty, home: Place) -> bytes:
    """Leave on the alternate screen, while it is not shown, what is there when programs come back to it."""
    with screen.copy() as alternate:
        alternate.feed(b"\x1b[?47h")
        saved, keyboard = _saved(alternate, home) + b"\x1b7" + _plain(alternate), _keyboard(alternate)
    return b"\x1b[?47h%b%b\x1b[?47l" % (saved, keyboard)


def _content(screen: Ghostty) -> bytes:
    """Paint the cells of the shown screen.

    The formatter leaves out links, the colours of rows without text, and the gap before a wide character that wraps,
    and it gives empty cells the style of those before them. So links are painted once more, and empty cells are filled.
    """
    grid = screen.grid()
    columns, rows = screen.size
    parts, start = [b"\x1b[H"], 0
    with screen.copy() as filled:
        filled.feed(_BARE + b"".join(_filling(row, cells) for row, cells in enumerate(grid)))
        # Where lines were erased, or a line went on in its own row below the scrolling region, marks are left over.
        unwrap = all(filled.wraps(row) == (row + 1 < rows and filled.continues(row + 1)) for row in range(rows))
        for row in range(rows - 1):
            if unwrap and cell(grid[row][-1]).half is Half.GAP:
                part = filled.formatted(cells=((0, start), (columns - 2, row)))
                parts += [part, b"\x1b[0m", _to(columns - 1, row)]
                start = row + 1
        parts += [filled.formatted(cells=((0, start), (columns - 1, rows - 1)), unwrap=unwrap), b"\x1b[0m"]
    return b"".join([*parts, *(links for row, cells in enumerate(grid) for links in _links(screen, row, cells))])


def _filling(row: int, cells: "array[int]") -> bytes:
    """Return what turns the empty cells of a row into spaces: those before others, and those that have a colour.

    A row that ends with empty cells does not go on in the next, whatever it did before they were erased.
    """
    parts, column, pending = [], 0, b""
    for number, run in groupby(cells):
        width = len(list(run))
        if not number:
            pending = _to(column, row) + b" " * width
        else:
            parts.append(pending)
            pending = b""
            if background := cell(number).background:
                parts.append(_to(column, row) + b"\x1b[%bm%b\x1b[0m" % (background, b" " * width))
        column += width
    if pending:
        parts.append(_to(column - 1, row) + b"\x1b[K")
    return b"".join(parts)


def _links(screen: Ghostty, row: int, cells: "array[int]") -> Iterator[bytes]:
    """Paint the linked cells of a row."""
    linked = [bool(number) and cell(number).linked for number in cells]
    if not any(linked):
        return
    column = 0
    for link, run in groupby(screen.link(at, row) if is_linked else b"" for at, is_linked in enumerate(linked)):
        width = len(list(run))
        if link:
            yield _run(screen, row, column, column + width - 1, link)
        column += width


def _run(screen: Ghostty, row: int, first: int, last: int, link: bytes, home: Place = (0, 0)) -> bytes:
    """Paint cells of a row where they are, seen from the origin of the cursor's coordinates."""
    to = _to(first - home[0], row - home[1])
    cells = screen.formatted(cells=((first, row), (last, row))) or b" " * (last - first + 1)
    return b"%b\x1b[0m%b%b\x1b]8;;\x1b\\\x1b[0m" % (to, _text(8, b";" + link), cells)


def _to(column: int, row: int) -> bytes:
    return b"\x1b[%d;%dH" % (row + 1, column + 1)


def _position(screen: Ghostty, home: Place) -> bytes:
    """Set the origin and place the cursor; `home` is the first cell within the margins, which must be set.

    The cell before it is painted once more: so a character in the last column leaves the cursor waiting to wrap, and
    REP repeats what was printed last.
    """
    origin = home if screen.mode(6) else (0, 0)
    column, row = screen.cursor
    waits = bool(screen.get("cursor_pending_wrap", "bool"))
    painted = column if waits else column - 1
    if painted > 0 and screen.half(painted, row) is Half.RIGHT:
        painted -= 1
    parts = [b"\x1b[?6h" if screen.mode(6) else b"\x1b[?6l"]
    if painted >= origin[0] and (waits or screen.formatted(cells=((painted, row), (painted, row)))):
        parts.append(_run(screen, row, painted, painted, screen.link(painted, row), origin))
    if not waits:
        parts.append(_to(column - origin[0], row - origin[1]))
    return b"".join(parts)


def _saved(twin: Ghostty, home: Place) -> bytes:
    """Bring the cursor to what DECSC saved on the shown screen, and with it pen, origin and character sets."""
    twin.feed(b"\x1b8")
    return _position(twin, home) + _pen(twin)


def _pen(screen: Ghostty) -> bytes:
    return _extras(screen, "style", "hyperlink", "protection", "charsets")


def _plain(twin: Ghostty) -> bytes:
    """Put away the pen that was taken."""
    return _PLAIN + (_ASCII if _extras(twin, "charsets") else b"")


def _keyboard(twin: Ghostty) -> bytes:
    """Push what programs pushed of the kitty keyboard protocol on the shown screen."""
    flags = []
    for _ in range(_KEYBOARD_DEPTH):
        flags.append(twin.get("kitty_keyboard_flags", "uint8_t"))
        twin.feed(b"\x1b[<u")
    while flags and not flags[-1]:
        flags.pop()
    return b"".join(b"\x1b[>%du" % each for each in reversed(flags))


def _margins(twin: Ghostty) -> bytes:
    """Set the scrolling region, which also brings the cursor home."""
    _, rows = twin.size
    region = _asked(twin, b"r")
    sides = _asked(twin, b"s") if twin.mode(69) else b""
    parts = [b"\x1b[?69h\x1b[%b" % sides] if sides else []
    if region != b"1;%dr" % rows:
        parts.append(b"\x1b[" + region)
    return b"".join(parts)


def _home(twin: Ghostty) -> Place:
    """Return the column and row of the first cell within the margins."""
    twin.feed(b"\x1b[?6h")
    return twin.cursor  # type: ignore[no-any-return]  # the package has no types


def _style(twin: Ghostty) -> bytes:
    return b"\x1b[" + _asked(twin, b" q")


def _asked(twin: Ghostty, setting: bytes) -> bytes:
    """Ask for a setting as a program does (DECRQSS), and return its parameters with its name."""
    answers: list[bytes] = []
    twin.on_reply(answers.append)
    twin.feed(b"\x1bP$q%b\x1b\\" % setting)
    return b"".join(answers).removeprefix(b"\x1bP1$r").removesuffix(b"\x1b\\")


def _extras(screen: Ghostty, *names: str, before: bool = False) -> bytes:
    """Return what the formatter writes of some state, without the one cell that it writes as well."""
    whole, cell = screen.formatted(*names, cells=_CORNER), screen.formatted(cells=_CORNER)
    return whole.removesuffix(cell) if before else whole.removeprefix(cell)


def _colours(screen: Ghostty) -> bytes:
    """Set the colours that a program changed; all others are the device's own."""
    now, first = screen.palette(), screen.palette("PALETTE_DEFAULT")
    changed = [at for at in range(0, len(now), 3) if now[at : at + 3] != first[at : at + 3]]
    parts = [_text(4, b"%d;rgb:%02x/%02x/%02x" % (at // 3, *now[at : at + 3])) for at in changed]
    for key, number in _SPECIAL_COLOURS.items():
        colour = screen.colour(key)
        if colour is not None and colour != screen.colour(f"{key}_DEFAULT"):
            parts.append(_text(number, b"rgb:%02x/%02x/%02x" % colour))
    return b"".join(parts)


def _text(command: int, content: bytes) -> bytes:
    """Return an operating system command; nothing when there is no content."""
    return b"\x1b]%d;%b\x1b\\" % (command, content) if content else b""
