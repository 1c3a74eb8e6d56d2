"""Values that a message can carry and nothing behind it can: found before any rule of a contract is evaluated."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import InvalidField, Violation

_FIRST, _LAST = -62_135_596_800, 253_402_300_799
"""Seconds of the instants that a Timestamp may hold: years 1 to 9999."""
_SECOND = 1_000_000_000  # nanoseconds


def decode(message: type[Message], sent: bytes) -> Message:
    """Return the message that bytes are. InvalidField when they are none, or a text in them is not UTF-8."""
    try:
        return message.FromString(sent)
    except DecodeError as exc:
        raise InvalidField(Violation("request", f"not a {message.DESCRIPTOR.name} in the binary form")) from exc


def malformed(message: Message, prefix: str = "") -> Iterator[Violation]:
    """Yield a violation for each text with a NUL character, which PostgreSQL refuses, and each impossible instant."""
    for field, value in message.ListFields():
        for path, one in _elements(field, value, f"{prefix}{field.name}"):
            if isinstance(one, str) and "\0" in one:
                yield Violation(path, "must not hold a NUL character")
            elif isinstance(one, Timestamp):
                if not (_FIRST <= one.seconds <= _LAST and 0 <= one.nanos < _SECOND):
                    yield Violation(path, "must be an instant of the years 1 to 9999")
            elif isinstance(one, Message):
                yield from malformed(one, f"{path}.")


def _elements(field: FieldDescriptor, value: Any, path: str) -> Iterator[tuple[str, Any]]:  # of any type
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key, one in value.items():
            yield path, key
            yield f'{path}["{key}"]'.replace("\0", ""), one
    elif field.is_repeated:
        yield from ((f"{path}[{index}]", one) for index, one in enumerate(value))
    else:
        yield path, value
