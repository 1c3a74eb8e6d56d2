"""Values that a field must refuse, from its type and its rules."""

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.requests import Place

UNDEFINED = 999
"""No enumeration of ours has it."""
FAR = 10**15
"""Seconds since 1970 of an instant that no calendar has."""

_NUMBERS = {"int32", "int64", "uint32", "uint64"}
_TEXTS = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}


def bad_values(place: Place) -> Iterator[Any]:
    """Yield values that break one rule each. A message that is required is broken by None, its absence."""
    field, rules = place.field, place.rules
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield {f"K{number}": "" for number in range(rules.map.max_pairs + 1)}
        yield {"A": "a\0b"}
        yield {"a b": ""}
    elif field.is_repeated:
        yield from _lists(place)
    elif field.message_type is not None:
        yield from _messages(place)
    elif field.type == FieldDescriptor.TYPE_ENUM:
        yield UNDEFINED
    elif field.type in _TEXTS:
        yield from _texts(place)
    else:
        yield from _numbers(place)


def _texts(place: Place) -> Iterator[str | bytes]:
    rules = getattr(place.rules, place.rules.WhichOneof("type") or "string")
    if place.field.type == FieldDescriptor.TYPE_BYTES:
        yield b"x" * (rules.max_len + 1)
        return
    yield "a\0b"
    if rules.max_len:
        yield "x" * (rules.max_len + 1)
    if rules.max_bytes:
        yield f"{'x' * rules.max_bytes}@example.com"
    if rules.uuid:
        yield from ("no-uuid", "00000000-0000-7000-8000-00000000000", "00000000-0000-7000-8000-00000000000g")
    if rules.email:
        yield from ("nobody", "a@b@c", "a@example.com\n")
    if rules.pattern:
        yield from (text for text in ("a\n", "\x1b[31m", "x" * 3000) if not re.fullmatch(rules.pattern, text))


def _numbers(place: Place) -> Iterator[int]:
    kind = place.rules.WhichOneof("type")
    if kind in _NUMBERS:
        rules = getattr(place.rules, kind)
        if rules.HasField("gte"):
            yield from (rules.gte - 1, -(2**31))
        if rules.HasField("lte"):
            yield from (rules.lte + 1, 2**31 - 1)


def _messages(place: Place) -> Iterator[Any]:
    if place.rules.required:
        yield None
    if place.field.message_type is not None and place.field.message_type.full_name == Timestamp.DESCRIPTOR.full_name:
        yield from (Timestamp(seconds=FAR), Timestamp(seconds=-FAR), Timestamp(nanos=-1), Timestamp(nanos=10**9))
    if place.rules.WhichOneof("type") == "duration":
        yield from (Duration(seconds=FAR), Duration(seconds=-FAR), Duration(seconds=5, nanos=-1), Duration(nanos=10**9))
        yield from (Duration(seconds=place.rules.duration.lte.seconds + 1), Duration(seconds=-1))


def _lists(place: Place) -> Iterator[list[Any]]:
    rules = place.rules.repeated
    if place.field.type == FieldDescriptor.TYPE_STRING:
        yield [f"a{chr(97 + number % 26)}{chr(97 + number // 26)}.read" for number in range(rules.max_items + 1)]
        yield ["a\0b"]
        if rules.unique:
            yield ["a.read", "a.read"]
        if rules.items.string.pattern:
            texts = ("a.read\n", "anything")
            yield from ([text] for text in texts if not re.fullmatch(rules.items.string.pattern, text))
