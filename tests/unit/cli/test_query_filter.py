"""The filter that keeps the local terminal from answering a program's queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.query_filter import STRING_LIMIT, QueryFilter

QUERIES = [
    b"\x05",
    b"\x1bZ",
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>0c",
    b"\x1b[=c",
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    b"\x1b[4$p",
    b"\x1b[?2026$p",
    b"\x1b[>q",
    b"\x1b[18t",
    b"\x1b[21t",
    b"\x1b[?u",
    b"\x1b[1$w",
    b"\x1b]11;?\x07",
    b"\x1b]4;1;?;2;?\x07",
    b"\x1b]52;c;?\x07",
    b"\x1bP$qm",
    b"\x1bP+q544e",
    b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA",
]
KEPT = [
    b"plain text, tabs\t and lines\r\n",
    "żółć 漢字 🙂".encode(),
    b"\x1b[1;31mred\x1b[0m",
    b"\x1b[?1049h\x1b[2J\x1b[H",
    b"\x1b[22;0t\x1b[23;0t",
    b"\x1b[>4;1m",
    b"\x1b]0;title?\x07",
    b"\x1b]8;;https://example.org/?a=b\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b]52;c;aGVsbG8=\x07",
    b"\x1b(B\x1b=\x1b7\x1b8",
    b"\x1bPq#0;2;0;0;0~~\x1b\\",
    b"\x07",
]


@pytest.mark.parametrize("query", QUERIES)
def test_feed_query_is_dropped(query: bytes) -> None:
    """Each query disappears, and the text around it stays."""
    # What is left of a string's terminator (ESC \) shows nothing and asks nothing.
    shown = QueryFilter().feed(b"before" + query + b"\x1b\\after")
    assert shown == b"before\x1b\\after"


@pytest.mark.parametrize("query", QUERIES)
def test_feed_query_cut_anywhere_is_dropped(query: bytes) -> None:
    """A query that arrives byte by byte disappears as well."""
    stream = QueryFilter()
    shown = b"".join(stream.feed(bytes([byte])) for byte in b"a" + query + b"\x1b\\b")
    assert shown == b"a\x1b\\b"


@pytest.mark.parametrize("output", KEPT)
def test_feed_other_output_passes_unchanged(output: bytes) -> None:
    """Whatever asks nothing is shown as it is."""
    assert QueryFilter().feed(output) == output


def test_feed_control_inside_a_query_is_still_dropped() -> None:
    """Terminals execute a line feed in the middle of a sequence and answer all the same."""
    assert QueryFilter().feed(b"\x1b[\n6n") == b"\n"


def test_feed_query_after_a_cancelled_sequence_is_dropped() -> None:
    """CAN and a new ESC end a sequence; what follows is looked at afresh."""
    assert QueryFilter().feed(b"\x1b[1\x18x\x1b[3\x1b[6ny") == b"\x1b[1\x18x\x1b[3y"


def test_feed_long_clipboard_string_passes() -> None:
    """A long string that cannot be a query is not held back for ever."""
    output = b"\x1b]52;c;" + b"A" * (3 * STRING_LIMIT) + b"\x07after"
    assert QueryFilter().feed(output) == output


def test_feed_long_colour_string_is_lost() -> None:
    """A colour string too long to hold could end in a query, so none of it is shown."""
    output = b"\x1b]4" + b";1;rgb:ff/ff/ff" * STRING_LIMIT + b";2;?\x07after"
    assert QueryFilter().feed(output) == b"after"


@given(st.lists(st.sampled_from(QUERIES + KEPT), max_size=12), st.data())
def test_feed_any_cuts_show_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    """How the network cuts the output makes no difference."""
    output = b"\x1b\\".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=6)))
    stream = QueryFilter()
    parts = [output[start:end] for start, end in zip([0, *cuts], [*cuts, len(output)], strict=True)]
    assert b"".join(stream.feed(part) for part in parts) == QueryFilter().feed(output)
