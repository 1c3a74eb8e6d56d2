"""JSON of messages as expressions and schemas want it: a number without a fraction is whole."""

import math
from typing import Any

from google.protobuf import struct_pb2

from chassis.errors import InvalidField, Violation

_WHOLE = 2**53  # from here on not every whole number is one of those that JSON's readers have


def read(message: struct_pb2.Struct, field: str) -> dict[str, Any]:
    """Return a JSON object that stands in a field of a request. InvalidField when it cannot be kept."""
    value: dict[str, Any] = read_value(struct_pb2.Value(struct_value=message), field)
    return value


def read_value(message: struct_pb2.Value, field: str) -> Any:
    """Return JSON that stands in a field of a request. InvalidField when it cannot be kept."""
    try:
        return _read(message)
    except ValueError as exc:
        raise InvalidField(Violation(field, str(exc))) from exc


def _read(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return {name: _read(each) for name, each in value.struct_value.fields.items()}
        case "list_value":
            return [_read(each) for each in value.list_value.values]
        case "string_value":
            return value.string_value
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
    return None


def _number(value: float) -> float:
    if not math.isfinite(value):
        msg = "has a number that is none"
        raise ValueError(msg)
    return int(value) if value.is_integer() and abs(value) < _WHOLE else value
