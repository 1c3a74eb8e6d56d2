"""What a field is called by who wrote the request: its JSON name, from the place where the caller wrote it."""

import re
from collections.abc import Mapping

from gateway.transcode.routes import Route
from gateway.transcode.schema import MessageType

REQUEST_ID_FIELD = "request_id"
ETAG_FIELD = "etag"
HEADERS = {REQUEST_ID_FIELD: "Idempotency-Key", ETAG_FIELD: "If-Match"}
"""Fields of requests that a header can give → the header."""
POSITION_HEADER = "Last-Event-ID"
RANGE_HEADER = "Range"
OFFSET_FIELD, LENGTH_FIELD = "offset", "length"
"""Fields of requests for content that the header `Range` gives."""
BODY = "body"

_STEP = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)((?:\[(?:"(?:[^"\\]|\\.)*"|[^\]"]*)\])*)(?:\.|\Z)')
"""One step of a path as protovalidate writes it: a field, and the index or key of an element."""


def name_for_caller(route: Route, path: str, from_headers: Mapping[str, str]) -> str:
    """Return what the caller of a route calls a field.

    A field that came in a header has the header's name, one of the path that of the path's parameter; one of the body
    is named from there.

    Args:
        route: where the request came in.
        path: the field's path in the request message, with proto names, such as `session.environment["A"]`.
        from_headers: the fields that headers gave → the headers.
    """
    if path in from_headers:
        return from_headers[path]
    for variable in route.template.variables:
        if path == variable.field_path:
            return route.parameter_name(path)
    name, body = _in_json(route.method.request, path), route.body_field
    if body is not None:
        if name == body.json_name:
            return BODY
        name = name.removeprefix(f"{body.json_name}.")
    elif route.shared_prefix:
        prefix = _in_json(route.method.request, route.shared_prefix)
        name = name.removeprefix(f"{prefix}.")
    return name


def _in_json(message: MessageType | None, path: str) -> str:
    """Return a path with JSON names; what follows a step that is no field stays as it is."""
    made, at = [], 0
    while at < len(path) and (step := _STEP.match(path, at)) and message is not None:
        field = message.fields.get(step[1])
        if field is None:
            break
        made.append(field.json_name + step[2])
        message, at = field.message, step.end()
    return ".".join([*made, path[at:]] if at < len(path) else made)
