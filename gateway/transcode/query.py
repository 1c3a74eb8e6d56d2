"""Query strings: their names and values, and the JSON that a text means for a field."""

import re
from urllib.parse import unquote_to_bytes

from gateway.errors import InvalidType, InvalidUnicode
from gateway.transcode.json_check import Json, check_text
from gateway.transcode.schema import Field, Kind
from gateway.transcode.values import ValueChecker

_NUMBER = re.compile(r"-?[0-9]{1,20}")
_TRUTH: dict[str, bool] = {"true": True, "false": False}


def parse_query(raw: bytes) -> list[tuple[str, str]]:
    """Return names and values in order. `+` is a space; a name without `=` has an empty value.

    Raises:
        InvalidUnicode: the decoded bytes are not UTF-8.
        NulNotAllowed: a name or value holds a NUL character.
    """
    pairs = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            key = _text(name, "query")
            pairs.append((key, _text(value, key)))
    return pairs


def _text(raw: bytes, field: str) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as exc:
        raise InvalidUnicode(field) from exc
    check_text(text, field)
    return text


class TextReader:
    """Turns texts of a path or a query into JSON values of the type that their field has."""

    def __init__(self, checker: ValueChecker) -> None:
        self._checker = checker

    def read(self, field: Field, text: str, path: str) -> Json:
        """Return the single value that a text means for the field, or for one element of a repeated field.

        Raises:
            InvalidType, InvalidNumber: the text is no value of the field, or the field holds messages.
        """
        if field.is_map or field.kind is Kind.MESSAGE:
            raise InvalidType(path, "the name of a field inside it")
        value = _convert(field, text, path)
        self._checker.check_field(field, [value] if field.repeated else value, path)
        return value


def _convert(field: Field, text: str, path: str) -> Json:
    match field.kind:
        case Kind.BOOL:
            if text not in _TRUTH:
                raise InvalidType(path, "true or false")
            return _TRUTH[text]
        case Kind.ENUM if _NUMBER.fullmatch(text):
            return int(text)
        case Kind.WELL_KNOWN if field.message is not None:
            inner = field.message.fields.get("value")
            is_wrapper = inner is not None and field.message.full_name.endswith("Value")
            return _convert(inner, text, path) if inner is not None and is_wrapper else text
        case _:
            return text
