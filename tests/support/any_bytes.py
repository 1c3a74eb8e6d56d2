"""Strategies for the bytes of a request: what a client may send, and what no client would."""

from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.support.any_message import Wish, messages

MOST_NUMBER = (1 << 29) - 1
"""The largest number that a field may have."""
DEEPEST = 3000
"""Levels of groups; readers of protobuf give up after 100."""
_LENGTHS = st.sampled_from([1, 127, 1 << 20, 1 << 31, (1 << 32) - 1, (1 << 64) - 1])
_START_GROUP, _TEXT = 3, 2


def requests(right: Message) -> st.SearchStrategy[bytes]:
    """Return a strategy for requests of the type of one that is right, a few of which are right themselves.

    Fields that are written after others of the same number take their place, so that the right request with
    something behind it is often wrong in that alone.
    """
    kind: Any = right.DESCRIPTOR
    whole = st.lists(_parts(kind), max_size=3).map(b"".join)
    start = st.sampled_from([b"", right.SerializeToString()])
    return st.tuples(start, whole).map(b"".join).flatmap(_perhaps_broken)


def _parts(kind: Descriptor) -> st.SearchStrategy[bytes]:
    valid = messages(kind, Wish(finite=False)).map(lambda made: bytes(made.SerializeToString()))
    return st.one_of(valid, _field(kind), _nested(kind), st.binary(max_size=30))


def _perhaps_broken(sent: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for bytes as they are, cut, or with some of them replaced."""
    cut = st.integers(0, len(sent)).map(lambda end: sent[:end])
    places = st.lists(st.tuples(st.integers(0, max(len(sent) - 1, 0)), st.integers(0, 255)), max_size=4)
    return st.one_of(st.just(sent), cut, places.map(lambda changes: _changed(sent, changes)))


def _changed(sent: bytes, changes: list[tuple[int, int]]) -> bytes:
    made = bytearray(sent or b"\0")
    for place, value in changes:
        made[place] = value
    return bytes(made)


def _numbers(kind: Descriptor) -> st.SearchStrategy[int]:
    unknown = st.integers(0, MOST_NUMBER)
    return st.sampled_from([field.number for field in kind.fields]) | unknown if kind.fields else unknown


@st.composite
def _field(draw: st.DrawFn, kind: Descriptor) -> bytes:
    """Return one field with any wire type, a known one or not, and bytes behind it that seldom fit."""
    tag = draw(_numbers(kind)) << 3 | draw(st.integers(0, 7))
    huge = st.sampled_from([varint((1 << 64) - 1), b"\xff" * 9 + b"\x7f", b"\x80" * 11 + b"\1"])
    claimed = _LENGTHS.map(varint)
    held: st.SearchStrategy[bytes] = st.one_of(
        st.binary(max_size=16).map(lambda text: varint(len(text)) + text), huge, claimed
    )
    return varint(tag) + draw(held | st.binary(max_size=12))


@st.composite
def _nested(draw: st.DrawFn, kind: Descriptor) -> bytes:
    """Return groups, or messages, inside each other."""
    number = draw(_numbers(kind))
    if draw(st.booleans()):
        return varint(number << 3 | _START_GROUP) * draw(st.integers(1, DEEPEST))
    made = b""
    for _ in range(draw(st.integers(1, 200))):
        made = varint(number << 3 | _TEXT) + varint(len(made)) + made
    return made


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])
