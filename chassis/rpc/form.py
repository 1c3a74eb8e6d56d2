"""Values that a message can carry and nothing behind it can: found before any rule of a contract is evaluated."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import InvalidField, Violation

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""Seconds of the instants that a Timestamp may hold: years 1 to 9999."""
_LONGEST = 315_576_000_000
"""Seconds of the longest Duration: 10,000 years."""
_SECOND = 1_000_000_000  # nanoseconds
_TIMES = {Timestamp.DESCRIPTOR.full_name, Duration.DESCRIPTOR.full_name}


def decode(message: type[Message], sent: bytes) -> Message:
    """Return the message that bytes are. InvalidField when they are none, or a text in them is not UTF-8."""
    try:
        return message.FromString(sent)
    except DecodeError as exc:
        raise InvalidField(Violation("request", f"not a {message.DESCRIPTOR.name} in the binary form")) from exc


def malformed(message: Message, prefix: str = "") -> Iterator[Violation]:
    """Yield a violation for each NUL character in a text, which PostgreSQL refuses, and for each impossible time."""
    suspects = _suspects(message.DESCRIPTOR)
    for field, value in message.ListFields():
        if field.number not in suspects:
            continue
        for path, one in _elements(field, value, f"{prefix}{field.name}"):
            if problem := _problem(one):
                yield Violation(path, problem)
            elif isinstance(one, Message):
                yield from malformed(one, f"{path}.")


@cache
def _suspects(message: Descriptor) -> frozenset[int]:
    """Return the numbers of the fields in which there can be a text or a time at all: keys of a terminal have none."""
    return frozenset(field.number for field in message.fields if _can_fail(field, set()))


def _can_fail(field: FieldDescriptor, seen: set[str]) -> bool:
    inner = field.message_type
    if inner is None or inner.full_name in seen:
        return field.type == FieldDescriptor.TYPE_STRING
    seen.add(inner.full_name)
    return inner.full_name in _TIMES or any(_can_fail(one, seen) for one in inner.fields)


def _problem(value: Any) -> str:  # of any type
    """Return why nothing can work with a value; empty when it can."""
    if isinstance(value, str):
        return "must not hold a NUL character" if "\0" in value else ""
    if isinstance(value, Timestamp):
        possible = _FIRST <= value.seconds <= _LAST and 0 <= value.nanos < _SECOND
        return "" if possible else "must be an instant of the years 1 to 9999"
    if isinstance(value, Duration):
        possible = abs(value.seconds) <= _LONGEST and abs(value.nanos) < _SECOND and value.seconds * value.nanos >= 0
        return "" if possible else "must be a duration of at most 10,000 years, its parts of one sign"
    return ""


def _elements(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:  # of any type
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key, one in value.items():
            yield path, key
            yield f'{path}["{key}"]'.replace("\0", ""), one
    elif field.is_repeated:
        yield from ((f"{path}[{index}]", one) for index, one in enumerate(value))
    else:
        yield path, value
