"""Output as text: one line at a time, in bounded time whatever a program prints."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.history.lines import LONGEST, Splitter, render

PIECES = st.sampled_from(
    [
        b"a",
        b"\n",
        b"\r",
        b"\b",
        b"\t",
        b"\x1b[",
        b"\x1b[3;4H",
        b"\x1b]0;t\x07",
        b"\x1bM",
        b"5",
        b"K",
        b"\xc3",
        b"\xa9",
        b"\x0b",
    ]
)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"plain  \r", "plain"),
        (b"abcdef\rxy", "xycdef"),
        (b"abc\b\b\x1b[K-", "a-"),
        (b"abc\x1b[2DX\x1b[1CY", "aXcY"),
        (b"ab\tc", "ab      c"),
        (b"abc\x1b[G\x1b[2@", "  abc"),
        (b"abcd\x1b[3G\x1b[P", "abd"),
        (b"abcd\x1b[2G\x1b[2X", "a  d"),
        (b"abc\x1b[1K-", "   -"),
        (b"abc\r\x1b[2Knew", "new"),
        (b"\x1b[38;5;208mcolour\x1b[m", "colour"),
        (b"\x1b]8;;http://a\x1b\\link\x1b]8;;\x07", "link"),
        (b"\x1bPq#0;2\x1b\\picture", "picture"),
        (b"\x1b(B\x1b=\x1b[?2004htext", "text"),
        ("日本".encode() + b"\b\b \b\b", "日"),
        ("e\u0301".encode() + b"x", "e\u0301x"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\x1b]0;never ended", ""),
        (b"\x1b[", ""),
        (b"0123456789ABC\rx", "0123456789xBC"),
    ],
)
def test_line_of_control_characters_shows_what_they_leave(printed: bytes, shown: str) -> None:
    """Moves overwrite, erasing erases, and sequences that show nothing are gone; the last row is ten cells wide."""
    assert render(printed, 10 if b"ABC" in printed else 80) == shown


@given(st.lists(PIECES, max_size=12), st.integers(0, 30))
def test_output_in_parts_is_split_as_the_whole_is(pieces: list[bytes], at: int) -> None:
    """No sequence is missed because a record ended in its middle."""
    data = b"".join(pieces)

    def split(*parts: bytes) -> list[object]:
        splitter = Splitter(7)
        return [*(line for part in parts for line in splitter.add(part)), *splitter.end()]

    assert split(data[:at], data[at:]) == split(data)


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_line_of_anything_shows_no_control_character(line: bytes) -> None:
    """What is shown cannot do anything to a terminal."""
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in render(line, 80))


@pytest.mark.parametrize(
    "hostile", [b"\x1b[999@", b"\x1b[", b"\x1b]", b"\x1b[9999999999C", b"\b", b"a\x1b[1000X\r", b"\x1bP"]
)
def test_line_that_is_hostile_takes_no_longer_than_others(hostile: bytes) -> None:
    """64 KiB of the worst cost well below a second of processor time, and grow to little."""
    begin = time.process_time()
    assert len(render(hostile * (LONGEST // len(hostile)), 80)) <= LONGEST
    assert time.process_time() - begin < 2
