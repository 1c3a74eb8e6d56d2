"""JSON Schemas that people write: they name nothing elsewhere, and keep nobody busy who checks by them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

SIZE = 16 * 1024
"""Bytes of a schema as JSON."""

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")  # a few lines of them may be more work than there is time
_SHOWN = 300  # characters of what is wrong with a value


def problem_of(schema: Mapping[str, Any]) -> str:
    """Return what is wrong with a schema; empty when nothing is."""
    try:
        text = json.dumps(schema, allow_nan=False)
        if len(text) > SIZE:
            return f"is larger than {SIZE // 1024} KiB"
        if "\\u0000" in text:
            return "has a NUL character in it"
        if found := next(_references(schema), ""):
            return f"has a {found}; references are not known here"
        _validator(schema)
    except ValidationError as exc:
        return f"is no JSON Schema: {exc.message[:_SHOWN]}"
    except (ValueError, RecursionError):
        return "is no JSON"
    return ""


def misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Return in what a value does not fit a schema that has no problem; empty when it fits."""
    for error in _validator(schema).iter_errors(value):
        return f"{'.'.join(map(str, error.instance_path)) or 'it'}: {error.message[:_SHOWN]}"
    return ""


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(dict(schema), offline=True, pattern_options=RegexOptions())


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (name for name in _REFERENCES if name in value)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
