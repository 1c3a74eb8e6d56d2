"""The REST form of requests, made by google-api-core as Google's own clients make it: what a gateway has to undo."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from google.api import annotations_pb2, http_pb2
from google.api_core import rest_helpers
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from typing_extensions import override

from tests.support.any_message import Wish, messages, segments

_VARIABLE = re.compile(r"\{([^}=]+)(?:=([^}]*))?\}")
_PATTERNS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One HTTP mapping of a method."""

    method: MethodDescriptor
    verb: str
    path: str
    body: str

    @property
    def variables(self) -> dict[str, str]:
        """The fields that the path holds → the patterns of their values."""
        return {found[1]: found[2] or "*" for found in _VARIABLE.finditer(self.path)}

    @override
    def __str__(self) -> str:
        """Return what a test is named after."""
        return f"{self.verb} {self.path}"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A request line and a body, encoded as for the wire."""

    method: str
    path: str
    query: str
    body: bytes | None


def mappings(method: MethodDescriptor) -> Iterator[Mapping]:
    """Yield the mappings of a method that google-api-core can expand: texts in the path, and no nameless wildcard."""
    rule: http_pb2.HttpRule = method.GetOptions().Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        kind = each.WhichOneof("pattern")
        verb, path = (kind.upper(), getattr(each, kind)) if kind in _PATTERNS else (each.custom.kind, each.custom.path)
        made = Mapping(method, verb, path, each.body)
        texts = all(_field(method.input_type, name).type == FieldDescriptor.TYPE_STRING for name in made.variables)
        if texts and "*" not in _VARIABLE.sub("", path):
            yield made


def requests(mapping: Mapping) -> st.SearchStrategy[Message]:
    """Return a strategy for requests that a mapping can express."""
    names = frozenset(field.name for field in mapping.method.input_type.fields)
    bound = {name: segments(pattern) for name, pattern in mapping.variables.items()}
    queried = frozenset() if mapping.body == "*" else names - {mapping.body}
    return messages(mapping.method.input_type, Wish(bound, queried))


def rest_form(mapping: Mapping, message: Message) -> RestRequest:
    """Return what a client sends for a message."""
    option = {"method": mapping.verb, "uri": mapping.path} | ({"body": mapping.body} if mapping.body else {})
    made, body, query = rest_helpers.transcode_request([option], message)
    pairs = rest_helpers.flatten_query_params(query, strict=True)  # type: ignore[no-untyped-call]  # without types
    content = None if body is None or not _has_body(mapping, message) else body.encode()
    return RestRequest(mapping.verb, made["uri"], urlencode(pairs), content)


def _has_body(mapping: Mapping, message: Message) -> bool:
    return mapping.body == "*" or message.HasField(mapping.body)


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    *parents, last = path.split(".")
    for name in parents:
        inner = message.fields_by_name[name].message_type
        message = inner if inner is not None else message
    return message.fields_by_name[last]
