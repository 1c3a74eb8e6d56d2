"""Takes terminal queries out of a program's output, so that the local terminal never answers them.

The runner's terminal model has answered each of them, once, when the program asked. An answer from a device would be
typed into the shell, at every attach and every replay again. Everything else passes unchanged.

Source: ECMA-48 and xterm's control sequences; states as in the parser of the VT500 series.
"""

import re
from enum import Enum, auto

ENQ, BEL, CAN, SUB, ESC = 0x05, 0x07, 0x18, 0x1A, 0x1B
STRING_LIMIT = 8 * 1024
"""Bytes held back of an OSC or another string. A longer one is no query, or one that may be lost."""

_INTERESTING = re.compile(rb"[\x05\x1b]")
_CSI = re.compile(rb"\x1b\[([<=>?]?)([0-9:;]*)([ -/]*)([@-~])")

_CSI_QUERIES = {
    (b"", b"", b"c"),  # DA1: what are you
    (b">", b"", b"c"),  # DA2
    (b"=", b"", b"c"),  # DA3
    (b"", b"", b"n"),  # DSR, CPR: where is the cursor
    (b"?", b"", b"n"),  # DEC's DSR
    (b"", b"$", b"p"),  # DECRQM: is a mode set
    (b"?", b"$", b"p"),
    (b">", b"", b"q"),  # XTVERSION
    (b"", b"", b"x"),  # DECREQTPARM
    (b"?", b"", b"u"),  # keyboard protocol
    (b"?", b"", b"m"),  # XTQMODKEYS
    (b"?", b"", b"S"),  # XTSMGRAPHICS
    (b"", b"$", b"w"),  # DECRQPSR
    (b"", b"$", b"u"),  # DECRQTSR
    (b"", b"&", b"u"),  # DECRQUPSS
    (b"", b"*", b"y"),  # DECRQCRA: checksum of the screen
    (b"", b"'", b"|"),  # DECRQLP: mouse
    (b"", b"#", b"R"),  # XTREPORTCOLORS
    (b"", b"#", b"|"),  # XTREPORTSGR
}
_WINDOW_REPORTS = range(11, 22)
"""First parameters of `CSI … t` that ask for the window's state, size or title."""
_STRING_QUERIES = (b"\x1bP$q", b"\x1bP+q")
"""DECRQSS and XTGETTCAP."""
_COLOUR_OSCS = {b"4", b"5", b"21", *(b"%d" % number for number in range(10, 20))}


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    CSI = auto()
    STRING = auto()
    LONG_STRING = auto()
    LOST_STRING = auto()


class QueryFilter:
    """A filter for one stream of output, which may be cut anywhere."""

    def __init__(self) -> None:
        self._state = _State.GROUND
        self._held = bytearray()
        self._out = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Return what may be shown now. The beginning of an unfinished sequence is held back until it is known."""
        position = 0
        while position < len(data):
            if self._state is _State.GROUND:
                position = self._copy_text(data, position)
            else:
                self._step(data[position])
                position += 1
        shown = bytes(self._out)
        self._out.clear()
        return shown

    def _copy_text(self, data: bytes, position: int) -> int:
        found = _INTERESTING.search(data, position)
        end = found.start() if found else len(data)
        self._out += data[position:end]
        if found is None:
            return end
        if data[end] == ESC:
            self._begin_escape()
        return end + 1

    def _step(self, byte: int) -> None:
        if byte in (CAN, SUB):
            self._held.append(byte)
            self._finish(keep=True)
        elif byte == ESC:
            # It ends a string (the first half of ST) and cancels any other sequence.
            self._finish(keep=not self._is_string_query())
            self._begin_escape()
        elif self._state is _State.ESCAPE:
            self._step_escape(byte)
        elif self._state is _State.CSI:
            self._step_csi(byte)
        else:
            self._step_string(byte)

    def _begin_escape(self) -> None:
        self._state = _State.ESCAPE
        self._held[:] = b"\x1b"

    def _step_escape(self, byte: int) -> None:
        if self._executed(byte):
            return
        self._held.append(byte)
        if len(self._held) == 2 and byte in b"[]P_^X":  # noqa: PLR2004  # ESC and this byte
            self._state = _State.CSI if byte == ord("[") else _State.STRING
        elif not 0x20 <= byte <= 0x2F:  # noqa: PLR2004  # intermediate bytes of ECMA-48
            self._finish(keep=self._held != b"\x1bZ")

    def _step_csi(self, byte: int) -> None:
        if self._executed(byte):
            return
        self._held.append(byte)
        if 0x40 <= byte <= 0x7E:  # noqa: PLR2004  # final bytes of ECMA-48
            self._finish(keep=not self._is_csi_query())
        elif len(self._held) > STRING_LIMIT:
            self._finish(keep=False)

    def _executed(self, byte: int) -> bool:
        """Whether the byte is a control in the middle of a sequence, which terminals execute at once."""
        if byte < 0x20 and byte != ENQ:  # noqa: PLR2004  # C0 controls
            self._out.append(byte)
        return byte < 0x20  # noqa: PLR2004

    def _step_string(self, byte: int) -> None:
        if self._state is _State.STRING:
            self._held.append(byte)
        elif self._state is _State.LONG_STRING:
            self._out.append(byte)
        if byte == BEL and self._held[1] == ord("]"):
            self._finish(keep=not self._is_string_query())
        elif len(self._held) > STRING_LIMIT:
            self._stop_holding()

    def _stop_holding(self) -> None:
        if self._may_become_query():
            self._state = _State.LOST_STRING
        else:
            self._out += self._held
            self._state = _State.LONG_STRING
        del self._held[2:]

    def _finish(self, *, keep: bool) -> None:
        if keep and self._state not in (_State.LONG_STRING, _State.LOST_STRING):
            self._out += self._held
        self._held.clear()
        self._state = _State.GROUND

    def _is_csi_query(self) -> bool:
        parts = _CSI.fullmatch(self._held)
        if parts is None:
            return False
        private, parameters, intermediates, final = parts.groups()
        if (private, intermediates, final) == (b"", b"", b"t"):
            first = parameters.partition(b";")[0]
            return first.isdigit() and int(first) in _WINDOW_REPORTS
        return (private, intermediates, final) in _CSI_QUERIES

    def _is_string_query(self) -> bool:
        """Whether the string held is a question: any OSC with a `?` for a value, and three others."""
        if self._state is not _State.STRING:
            return False
        if self._held.startswith(b"\x1b]"):
            values = bytes(self._held[2:]).rstrip(b"\x07").split(b";")
            return b"?" in values[1:] or values[1:2] == [b"ReportCellSize"]
        # Graphics: the terminal answers `a=q`, and anything with an id unless told to be quiet.
        return self._held.startswith(_STRING_QUERIES) or (self._held.startswith(b"\x1b_G") and b"a=q" in self._held)

    def _may_become_query(self) -> bool:
        if self._held.startswith(b"\x1b]"):
            values = bytes(self._held[2:]).split(b";", 2)
            return len(values) <= 2 or values[0] in _COLOUR_OSCS  # noqa: PLR2004  # number, selection, data
        return self._held.startswith(_STRING_QUERIES)
