"""Checks JSON values against the fields they are for, so that a refusal names the field and what it takes."""

import math
import re

from gateway.errors import DuplicateKey, InvalidNumber, InvalidType, UnknownField
from gateway.transcode.codec import Codec
from gateway.transcode.json_check import Json
from gateway.transcode.schema import Field, Kind, MessageType

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})")
_LAST_OF_TWO, _LAST_OF_THREE = frozenset("AQgw"), frozenset("AEIMQUYcgkosw048")
"""Last digits that say nothing beyond the last byte, of which two digits, or three, have 4 or 2 bits to spare."""
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
_INT32 = range(-(1 << 31), 1 << 31)


class ValueChecker:
    """Walks JSON beside the contract. A `path` is where a value stands in the request, in the caller's spelling."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def check_message(self, message: MessageType, value: Json, path: str) -> None:
        """Refuse unknown fields, fields given under both their names, and values of a wrong type.

        Raises:
            InvalidType, InvalidNumber, UnknownField, DuplicateKey: with the path of the field.
        """
        if not isinstance(value, dict):
            raise InvalidType(path or "body", "an object")
        seen: set[str] = set()
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            field = message.fields.get(key)
            if field is None:
                raise UnknownField(where)
            if field.name in seen:
                raise DuplicateKey(where)
            seen.add(field.name)
            if field.oneof and item is not None:
                check_oneof(message, value, field, where)
            if item is not None or field.kind is Kind.WELL_KNOWN:
                self.check_field(field, item, where)

    def check_field(self, field: Field, value: Json, path: str) -> None:
        """Refuse a value, a list of values, or a map of values, whichever the field holds.

        Raises:
            InvalidType, InvalidNumber, UnknownField, DuplicateKey: with the path of the field.
        """
        if field.is_map:
            if not isinstance(value, dict):
                raise InvalidType(path, "an object")
            for key, item in value.items():
                _check_key(field.key, key, f"{path}[{key}]")
                self._check_single(field, item, f'{path}["{key}"]')
        elif field.repeated:
            if not isinstance(value, list):
                raise InvalidType(path, "a list")
            for at, item in enumerate(value):
                self._check_single(field, item, f"{path}[{at}]")
        else:
            self._check_single(field, value, path)

    def _check_single(self, field: Field, value: Json, path: str) -> None:
        match field.kind:
            case Kind.STRING | Kind.BYTES | Kind.BOOL:
                _check_plain(field.kind, value, path)
            case Kind.INTEGER:
                _check_integer(field, value, path)
            case Kind.FLOAT:
                _check_float(value, path)
            case Kind.ENUM:
                _check_enum(field, value, path)
            case Kind.MESSAGE | Kind.WELL_KNOWN:
                self._check_nested(field, value, path)

    def _check_nested(self, field: Field, value: Json, path: str) -> None:
        if field.message is None:
            msg = f"the schema gave {field.name} no message"
            raise AssertionError(msg)
        if field.kind is Kind.MESSAGE:
            self.check_message(field.message, value, path)
        elif value is not None or field.message.full_name == "google.protobuf.Value":
            self._codec.encode(field.message, value, path)


def _check_key(field: Field | None, key: str, path: str) -> None:
    """Refuse a key that is not the text of a value of its type."""
    if field is not None and field.kind is Kind.INTEGER:
        _check_integer(field, key, path)
    elif field is not None and field.kind is Kind.BOOL and key not in {"true", "false"}:
        raise InvalidType(path, "true or false")


def check_oneof(message: MessageType, siblings: dict[str, Json], field: Field, path: str) -> None:
    """Refuse a field beside another of its oneof, of which protobuf would silently keep the last.

    Raises:
        InvalidType: `siblings` holds another field of the oneof.
    """
    for key, value in siblings.items():
        other = message.fields[key]
        if value is not None and other.oneof == field.oneof and other is not field:
            raise InvalidType(path, f"nothing beside {other.json_name}")


def _check_plain(kind: Kind, value: Json, path: str) -> None:
    if kind is Kind.BOOL:
        holds, expected = isinstance(value, bool), "true or false"
    elif kind is Kind.BYTES:
        holds, expected = isinstance(value, str) and _is_base64(value), "a string of base64"
    else:
        holds, expected = isinstance(value, str), "a string"
    if not holds:
        raise InvalidType(path, expected)


def _is_base64(text: str) -> bool:
    """Whether a text is what bytes are written as, in one of the two alphabets, with padding or without."""
    form = _BASE64.fullmatch(text)
    if form is None or (form[1] and len(text) % 4):
        return False
    digits = text.removesuffix(form[1])
    match len(digits) % 4:
        case 0:
            return True
        case 2:
            return digits[-1] in _LAST_OF_TWO
        case 3:
            return digits[-1] in _LAST_OF_THREE
    return False


def _check_integer(field: Field, value: Json, path: str) -> None:
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and _INTEGER.fullmatch(value)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidType(path, "an integer")
    if value not in field.bounds:
        raise InvalidNumber(path)


def _check_float(value: Json, path: str) -> None:
    if isinstance(value, str):
        if value in _NOT_FINITE:
            raise InvalidNumber(path)
        if not _NUMBER.fullmatch(value):
            raise InvalidType(path, "a number")
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidType(path, "a number")
    if not math.isfinite(value):
        raise InvalidNumber(path)


def _check_enum(field: Field, value: Json, path: str) -> None:
    if isinstance(value, int) and not isinstance(value, bool):
        if value not in _INT32:
            raise InvalidNumber(path)
    elif value not in field.enum_names:
        raise InvalidType(path, f"one of {', '.join(sorted(field.enum_names))}")
