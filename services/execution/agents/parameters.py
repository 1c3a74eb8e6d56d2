"""What an agent or a template may be given, as a JSON Schema, which the process that evaluates expressions looks at."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chassis.errors import Violation
from services.execution.expressions import Expressions

SIZE = 16 * 1024
"""Bytes of a schema as JSON."""

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


async def problem_of(schema: Mapping[str, Any], expressions: Expressions) -> str:
    """Return what is wrong with a schema; empty when nothing is."""
    if len(json.dumps(schema)) > SIZE:
        return f"is larger than {SIZE // 1024} KiB"
    if schema and schema.get("type") != "object":
        return "describes no object: its `type` has to be `object`"
    found = await expressions.check_schema(schema) if schema else []
    return f"is no JSON Schema: {found[0].what}" if found else ""


async def problems_with(
    schema: Mapping[str, Any], given: Mapping[str, Any], field: str, expressions: Expressions
) -> list[Violation]:
    """Return everything in which what is given does not fit a schema that has no problem."""
    found = await expressions.misfits(schema, given) if schema else []
    return [Violation(f"{field}{each.place}", each.what) for each in found]


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
