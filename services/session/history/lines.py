r"""Output as a person would have read it, line by line.

A line is what stands between two breaks: a `\n`, or a move of the cursor to another row. Each is rendered for itself:
escape sequences go; carriage returns, backspaces, tabs and moves within the row overwrite what they overwrote on the
screen; and a line that the terminal broke because it was long is one line. So text comes in the order in which it was
printed, its place in the log is known, and any line can be rendered without those before it. A model of the screen
would know none of this: it has what was left there in the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

LONGEST = 64 * 1024
"""Bytes of a line that are rendered at once; a longer one comes in pieces."""

_WIDEST = 1000  # cells; a terminal has no more
_SEQUENCE = 32  # bytes that a break has at most, or is not seen as one
_BREAK = re.compile(rb"[\n\x0b\x0c]|\x1b(?:[DEM]|\[(?:[0-9;]{0,28}[ABEFHdfST]|[23]J))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?:\x1b\[|\x9b)(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~]|$)"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)?"  # OSC: titles, links, colours
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c|$)?"  # other strings: pictures, answers
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<control>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Line:
    r"""The bytes of a line, and where they begin. `ended` is whether a `\n` followed, and no other break."""

    offset: int
    data: bytes
    ended: bool


class Splitter:
    """Splits output that comes in parts into lines."""

    def __init__(self, offset: int) -> None:
        """Begin with the byte at an offset."""
        self._offset = offset
        self._rest = bytearray()
        self._seen = 0

    def add(self, data: bytes) -> Iterator[Line]:
        """Yield the lines that end in more output."""
        self._rest += data
        begin = 0
        for found in _BREAK.finditer(self._rest, self._seen):
            yield self._line(begin, found.start(), ended=found[0] == b"\n")
            begin = found.end()
        while len(self._rest) - begin > LONGEST + _SEQUENCE:
            yield self._line(begin, begin + LONGEST, ended=False)
            begin += LONGEST
        del self._rest[:begin]
        self._offset += begin
        self._seen = max(0, len(self._rest) - _SEQUENCE)

    def end(self) -> Iterator[Line]:
        """Yield the last line, if it has any byte."""
        if self._rest:
            yield self._line(0, len(self._rest), ended=False)

    def _line(self, begin: int, end: int, *, ended: bool) -> Line:
        return Line(self._offset + begin, bytes(self._rest[begin:end]), ended)


def render(line: bytes, width: int) -> str:
    """Return a line's text, without spaces at its end.

    Args:
        line: what was printed between two breaks.
        width: of the terminal in cells; 0 when there was none.
    """
    text = line.decode("utf-8", "replace").removesuffix("\r")
    if _CONTROL.search(text) is None:
        return text.rstrip()
    row = _Row(width)
    for token in _TOKEN.finditer(text):
        if token["text"] is not None:
            row.write(token["text"])
        elif token["final"]:
            row.obey(token["final"], token["parameters"])
        elif token["control"] is not None:
            row.move(token["control"])
    return row.text()


class _Row:
    """The line under the cursor; a long one is several rows on the screen, of which the last begins at `_begin`."""

    def __init__(self, width: int) -> None:
        self._width = width or LONGEST
        self._cells: list[str] = []
        self._begin = 0
        self._column = 0

    def text(self) -> str:
        """Return what is there."""
        return "".join(self._cells).rstrip()

    def write(self, text: str) -> None:
        """Write over what is there, and behind it."""
        at = self._begin + self._column
        if text.isascii() and at == len(self._cells) and self._column + len(text) <= self._width:
            self._cells += text
            self._column += len(text)
            return
        for character in text:
            self._put(character)

    def _put(self, character: str) -> None:
        if combining(character) and self._column:
            self._cells[self._begin + self._column - 1] += character
            return
        cells = [character, ""] if east_asian_width(character) in "WF" else [character]
        if self._column + len(cells) > self._width:
            self._begin += self._width
            self._column = 0
        at = self._begin + self._column
        self._cells += " " * (at - len(self._cells))
        self._cells[at : at + len(cells)] = cells
        self._column += len(cells)

    def move(self, control: str) -> None:
        """Obey a control character."""
        if control == "\r":
            self._column = 0
        elif control == "\b":
            self._column = max(0, min(self._column, self._width - 1) - 1)
        elif control == "\t":
            self._go(self._column // 8 * 8 + 8)

    def obey(self, final: str, parameters: str) -> None:
        """Obey a control sequence."""
        first = parameters.partition(";")[0]
        number = min(int(first), _WIDEST) if first.isdecimal() else 0
        count, at = number or 1, self._begin + self._column
        match final:
            case "C":
                self._go(self._column + count)
            case "D":
                self._column = max(0, self._column - count)
            case "G" | "`":
                self._go(count - 1)
            case "K" | "J" if number == 0:
                del self._cells[at:]
            case "K":
                self._cells[self._begin : at if number == 1 else None] = [" "] * self._column
            case "P":
                del self._cells[at : at + count]
            case "@" | "X":
                self._blank(at, count, shift=final == "@")
            case _:
                pass

    def _go(self, column: int) -> None:
        self._column = min(column, max(self._column, min(self._width, _WIDEST) - 1))

    def _blank(self, at: int, count: int, *, shift: bool) -> None:
        longest = max(len(self._cells), _WIDEST)
        self._cells[at : at if shift else at + count] = [" "] * count
        del self._cells[longest:]
