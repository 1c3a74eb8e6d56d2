"""JSON in messages of the contract."""

from typing import Any

from google.protobuf import struct_pb2

_WHOLE = 2**53  # from here on not every whole number is one of those that JSON's readers have


def json_of(message: struct_pb2.Struct) -> dict[str, Any]:
    """Return an object in which a number without a fraction is whole."""
    return {name: value_of(each) for name, each in message.fields.items()}


def value_of(value: struct_pb2.Value) -> Any:
    """Return a value, likewise."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return json_of(value.struct_value)
        case "list_value":
            return [value_of(each) for each in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < _WHOLE else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
    return None
