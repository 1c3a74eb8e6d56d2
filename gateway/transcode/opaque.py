"""google.protobuf.Any that has no JSON: its type is that of a newer service, or its bytes are none of its type."""

import base64
from collections.abc import Iterator
from typing import Any

import orjson
from protobuf import DescField, DescFieldValueList, DescFieldValueMap, DescFieldValueMessage, Message, Registry

Path = tuple[str | int, ...]
"""Where a value stands in the JSON of a message; keys of maps are as JSON writes them."""


def to_json(message: Message, registry: Registry) -> str:
    """Return a message's JSON, in which such an Any is `{"@type": …, "value": <base64>}`; it is emptied in the message.

    Raises:
        ValueError: something else cannot be shown.
    """
    shown: dict[Path, dict[str, str]] = {}
    for path, found in _anys(message, ()):
        if not _is_known(found, registry):
            shown[path] = {"@type": found.type_url, "value": base64.b64encode(found.value).decode()}
            found.type_url, found.value = "", b""
    tree: Any = orjson.loads(message.to_json(registry=registry, always_emit_implicit=True))
    for path, value in shown.items():
        inner = tree
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
    return orjson.dumps(tree).decode()


def _is_known(found: Message, registry: Registry) -> bool:
    try:
        found.to_json(registry=registry)
    except ValueError:
        return False
    return True


def _anys(message: Message, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every Any inside a message; each set of contracts has a class of its own for it."""
    for field in message.desc().fields:
        if field in message:
            for step, value in _messages(field, message[field]):
                if value.desc().type_name == "google.protobuf.Any":
                    yield (*path, *step), value
                else:
                    yield from _anys(value, (*path, *step))


def _messages(field: DescField, value: Any) -> Iterator[tuple[Path, Message]]:  # whatever a field may hold
    """Yield the messages that a field holds."""
    match field.value:
        case DescFieldValueMessage():
            yield (field.json_name,), value
        case DescFieldValueList() if value and isinstance(value[0], Message):
            yield from (((field.json_name, at), item) for at, item in enumerate(value))
        case DescFieldValueMap():
            for key, item in value.items():
                if isinstance(item, Message):
                    yield (field.json_name, key if isinstance(key, str) else orjson.dumps(key).decode()), item
