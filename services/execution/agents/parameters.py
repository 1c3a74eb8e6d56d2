"""What an agent may be given, as a JSON Schema: one that keeps nobody busy, and names nothing elsewhere."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from chassis.errors import Violation

SIZE = 16 * 1024
"""Bytes of a schema as JSON."""

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")  # a few lines of them may be more work than there is time
_TYPES = {
    "string": {"STRING"},
    "integer": {"INT", "UINT"},
    "number": {"INT", "UINT", "DOUBLE"},
    "boolean": {"BOOL"},
    "array": {"LIST"},
    "object": {"MAP"},
    "null": {"NULL"},
}
"""Types of CEL that fit one of JSON Schema."""


def problem_of(schema: Mapping[str, Any]) -> str:
    """Return what is wrong with a schema; empty when nothing is."""
    if len(json.dumps(schema)) > SIZE:
        return f"is larger than {SIZE // 1024} KiB"
    if found := next(_references(schema), ""):
        return f"has a {found}; references are not known here"
    if schema and schema.get("type") != "object":
        return "describes no object: its `type` has to be `object`"
    try:
        _validator(schema)
    except ValidationError as exc:
        return f"is no JSON Schema: {exc.message}"
    return ""


def problems_with(schema: Mapping[str, Any], given: Mapping[str, Any], field: str) -> list[Violation]:
    """Return everything in which what is given does not fit a schema that has no problem."""
    return [
        Violation(".".join((field, *map(str, error.instance_path))), error.message[:500])
        for error in _validator(schema).iter_errors(dict(given))
    ]


def mismatches(schema: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield in what inputs cannot fit a schema, by their names and the CEL types of what they will be."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in types:
            yield "", f"does not say what {name!r} is, which its agent needs"
    for name, found in types.items():
        wanted = properties.get(name)
        if wanted is None and schema.get("additionalProperties") is False:
            yield name, f"is given {name!r}, which its agent does not know"
        if isinstance(wanted, dict) and not _fits(wanted.get("type"), found.partition("<")[0]):
            yield name, f"gives {found}, and its agent takes {wanted['type']}"


def _fits(wanted: str | list[str] | None, found: str) -> bool:
    known = set().union(*_TYPES.values())
    if wanted is None or found not in known:
        return True
    return any(found in _TYPES.get(each, known) for each in ([wanted] if isinstance(wanted, str) else wanted))


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
