"""Whether what a step gives its agent can fit what that takes, as far as it is known before anything runs."""

from collections.abc import Iterator, Mapping
from typing import Any

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
