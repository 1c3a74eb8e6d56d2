"""JSON bodies: each kind of bad one has its own reason."""

import pytest

from chassis.errors import DomainError
from gateway.transcode.json_check import DEPTH_LIMIT, parse_json


@pytest.mark.parametrize(
    ("body", "reason", "values"),
    [
        (b'{"name": "a"', "INVALID_JSON", {"line": "1", "column": "13"}),
        (b'{\n"name": a}', "INVALID_JSON", {"line": "2", "column": "9"}),
        (b"", "INVALID_JSON", {"line": "1", "column": "1"}),
        (b'{"a": "\n"}', "INVALID_JSON", {"line": "1"}),
        (b"[" * 100_000, "JSON_TOO_DEEP", {"limit": "64"}),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "JSON_TOO_DEEP", {"limit": "64"}),
        (b'{"a":1,"a":2}', "DUPLICATE_KEY", {"field": "a"}),
        (b'{"x":{"b":1,"c":1,"b":2}}', "DUPLICATE_KEY", {"field": "b"}),
        (b'{"a":NaN}', "INVALID_NUMBER", {}),
        (b'{"a":-Infinity}', "INVALID_NUMBER", {}),
        (b'{"a":1e999}', "INVALID_NUMBER", {}),
        (b'{"a":' + b"9" * 5000 + b"}", "INVALID_NUMBER", {}),
        (b'{"a":"\\ud800"}', "INVALID_UNICODE", {"field": "a"}),
        (b'{"\\udc00":1}', "INVALID_UNICODE", {}),
        (b'{"a":"\xff"}', "INVALID_UNICODE", {}),
        (b'{"a":["x","a\\u0000b"]}', "NUL_NOT_ALLOWED", {"field": "a[1]"}),
    ],
)
def test_parse_json_bad_body_names_reason(body: bytes, reason: str, values: dict[str, str]) -> None:
    """The reason and its metadata tell what to repair."""
    with pytest.raises(DomainError) as refused:
        parse_json(body)
    assert refused.value.reason == reason
    assert values.items() <= refused.value.values.items()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT, None),
        (b'{"a":"' + b"[" * 1000 + b'"}', {"a": "[" * 1000}),
        (b'{"a":"\\"' + b"{" * 1000 + b'"}', {"a": '"' + "{" * 1000}),
        (b"[" + b"[]," * 999 + b"[]]", None),
        (b"0", 0),
    ],
)
def test_parse_json_good_body_gives_value(body: bytes, value: object) -> None:
    """Brackets in strings and siblings do not count as depth; a surrogate pair is a character."""
    parsed = parse_json(body)
    assert value is None or parsed == value
