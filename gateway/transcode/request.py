"""Puts a request message together from path, query, body and headers, in that order of authority."""

import base64
from dataclasses import dataclass, field

from gateway.errors import DuplicateKey, FieldConflict, InvalidType, UnknownField
from gateway.transcode.codec import Codec
from gateway.transcode.json_check import Json, check_text, parse_json
from gateway.transcode.names import HEADERS, POSITION_HEADER, RANGE_HEADER
from gateway.transcode.query import TextReader, parse_query
from gateway.transcode.routes import Route
from gateway.transcode.schema import WHOLE_BODY, Field, MessageType
from gateway.transcode.values import ValueChecker, check_oneof

SYSTEM_PARAMETERS = frozenset({"pretty"})
"""Names in a query that are for the gateway, not for a field."""


@dataclass(frozen=True, slots=True)
class RequestParts:
    """What a request says, still encoded. `headers` has values that headers give to fields: field name → value.

    `position` is where a lost stream goes on, for the field that the method names for it; empty at a first request.
    `content_type` is that of a body which is no JSON.
    """

    segments: list[str]
    query: bytes = b""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    position: str = ""
    content_type: str = ""


class RequestBinder:
    """Binds requests to the messages of their methods."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._checker = ValueChecker(codec)
        self._reader = TextReader(self._checker)

    def bind(self, route: Route, parts: RequestParts) -> bytes:
        """Return the bytes of the request message.

        Raises:
            DomainError: whatever is wrong with the request, with the field where one is to blame.
        """
        request = route.method.request
        tree = _from_content(route, parts) if route.takes_content else self._from_body(route, parts.body)
        for path, text in route.path_values(parts.segments).items():
            shown = route.parameter_name(path)
            check_text(text, shown)
            self._put(tree, request, path, text, shown)
        self._bind_query(tree, route, parts.query)
        for name, text in parts.headers.items():
            if name in request.fields:
                self._put(tree, request, name, text, HEADERS.get(name, RANGE_HEADER))
        if parts.position and route.method.resume:
            target = request.fields[route.method.resume.request_position]
            tree[_key_in(tree, target)] = self._reader.read(target, parts.position, POSITION_HEADER)
        return self._codec.encode(request, tree)

    def bind_frame(self, message: MessageType, text: bytes) -> bytes:
        """Return the bytes of the message that a JSON text frame holds.

        Raises:
            DomainError: as for a body.
        """
        value = parse_json(text)
        self._checker.check_message(message, value, "")
        return self._codec.encode(message, value)

    def _from_body(self, route: Route, body: bytes) -> dict[str, Json]:
        value = parse_json(body) if body else None
        request, name = route.method.request, route.binding.body
        if name == WHOLE_BODY:
            value = {} if not body else value
            self._checker.check_message(request, value, "")
            return value if isinstance(value, dict) else {}
        if not name:
            if isinstance(value, dict) and value:
                raise UnknownField(next(iter(value)))
            if value is not None and value != {}:
                raise InvalidType(field="body", expected="no body")
            return {}
        if value is None:
            return {}
        target = request.fields[name]
        self._checker.check_field(target, value, "")
        return {target.json_name: value}

    def _bind_query(self, tree: dict[str, Json], route: Route, query: bytes) -> None:
        request, taken = route.method.request, set[str]()
        for given, text in parse_query(query):
            name = given
            if name in SYSTEM_PARAMETERS:
                continue
            fields = request.resolve(name)
            if not fields and route.shared_prefix:
                name = f"{route.shared_prefix}.{given}"
                fields = request.resolve(name)
            if not fields or route.binding.body == WHOLE_BODY:
                raise UnknownField(given)
            if fields[0].name == route.binding.body:
                raise FieldConflict(given)
            path = ".".join(item.name for item in fields)
            if path in taken and not fields[-1].repeated:
                raise DuplicateKey(given)
            taken.add(path)
            self._put(tree, request, name, text, given)

    def _put(self, tree: dict[str, Json], message: MessageType, path: str, text: str, shown: str) -> None:
        """Put a text into the field at a path; `shown` is what the caller calls it."""
        fields = message.resolve(path)
        for item in fields[:-1]:
            if item.oneof:
                check_oneof(message, tree, item, shown)
            key = _key_in(tree, item)
            inner = tree.get(key)
            if not isinstance(inner, dict):
                inner = tree[key] = {}
            tree, message = inner, item.message or message
        last = fields[-1]
        if last.oneof:
            check_oneof(message, tree, last, shown)
        value, key = self._reader.read(last, text, shown), _key_in(tree, last)
        present = tree.get(key)
        if last.repeated:
            tree[key] = [*(present if isinstance(present, list) else []), value]
        elif present is not None and str(present) != str(value):
            raise FieldConflict(shown)
        else:
            tree[key] = value


def _from_content(route: Route, parts: RequestParts) -> dict[str, Json]:
    """Return the JSON of a request whose body is content of any type."""
    content: dict[str, Json] = {
        "contentType": parts.content_type,
        "data": base64.b64encode(parts.body).decode(),
    }
    return content if route.body_field is None else {route.body_field.json_name: content}


def _key_in(tree: dict[str, Json], item: Field) -> str:
    return item.name if item.name in tree else item.json_name
