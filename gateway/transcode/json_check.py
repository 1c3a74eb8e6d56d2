"""Parses a JSON body, and refuses what Python's parser or protobuf would take silently or choke on."""

import json
import re
from typing import Never

from gateway.errors import DuplicateKey, InvalidJson, InvalidNumber, InvalidUnicode, JsonTooDeep, NulNotAllowed

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

DEPTH_LIMIT = 64
"""Levels of objects and lists: far above any message of the contracts, far below Python's recursion limit."""

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(body: bytes) -> Json:
    """Return the value that a body holds.

    Raises:
        InvalidJson: not JSON; names line and column, both from 1.
        JsonTooDeep: more than 64 levels.
        DuplicateKey: an object names a key twice.
        InvalidNumber: NaN, infinite, or more digits than Python converts.
        InvalidUnicode: not UTF-8, or an escape makes a lone surrogate.
        NulNotAllowed: an escape makes a NUL character.
    """
    _check_depth(body)
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise InvalidUnicode(field="body") from exc
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise InvalidJson(exc.msg, exc.lineno, exc.colno) from exc
    except ValueError as exc:
        raise InvalidNumber(field="body") from exc
    if "\\u" in text:
        _check_text(value, "")
    return value


def check_text(text: str, field: str) -> None:
    """Refuse characters that PostgreSQL or UTF-8 cannot hold.

    Raises:
        NulNotAllowed: the text holds U+0000.
        InvalidUnicode: the text holds a lone surrogate.
    """
    if "\0" in text:
        raise NulNotAllowed(field or "body")
    if _SURROGATE.search(text):
        raise InvalidUnicode(field or "body")


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= DEPTH_LIMIT:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = match.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > DEPTH_LIMIT:
                raise JsonTooDeep(DEPTH_LIMIT)
        elif first in b"]}":
            depth -= 1


def _check_text(value: Json, field: str) -> None:
    if isinstance(value, str):
        check_text(value, field)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key, field)
            _check_text(item, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            _check_text(item, f"{field}[{at}]")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        raise DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return made


def _refuse_constant(_name: str) -> Never:
    raise InvalidNumber(field="body")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise InvalidNumber(field="body")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
