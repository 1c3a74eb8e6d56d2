"""Finds fields that Kubernetes does not know, as a server does that is asked to be strict."""

import re
from collections.abc import Iterator
from typing import Any

from kubernetes_asyncio.client import models

_LIST = re.compile(r"list\[(.*)\]")
_MAP = re.compile(r"dict\((?:.*?), (.*)\)")


def unknown_fields(found: Any, kind: str, path: str = "") -> Iterator[str]:
    """Return the paths of fields that objects of a kind, such as `V1Pod`, do not have."""
    if inner := _LIST.fullmatch(kind):
        for number, each in enumerate(found):
            yield from unknown_fields(each, inner[1], f"{path}[{number}]")
    elif inner := _MAP.fullmatch(kind):
        for name, each in found.items():
            yield from unknown_fields(each, inner[1], f"{path}.{name}")
    elif isinstance(found, dict) and (model := getattr(models, kind, None)) is not None:
        kinds = {name: model.openapi_types[ours] for ours, name in model.attribute_map.items()}
        yield from (f"{path}.{name}" for name in found.keys() - kinds.keys())
        for name in found.keys() & kinds.keys():
            yield from unknown_fields(found[name], kinds[name], f"{path}.{name}")
