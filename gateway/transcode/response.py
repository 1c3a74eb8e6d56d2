"""From a response message to what the client gets: JSON, the JSON of one field, or content of any type."""

import re
from dataclasses import dataclass

import orjson

from gateway.transcode.codec import Codec
from gateway.transcode.routes import Route
from gateway.transcode.schema import Kind, holds_content

JSON = b"application/json"
UNKNOWN_CONTENT = b"application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Content:
    """What an answer holds; `etag` is the resource's, empty when it has none."""

    data: bytes
    content_type: bytes = JSON
    etag: str = ""


def read_response(codec: Codec, route: Route, encoded: bytes) -> Content:
    """Return what the client of a route gets for a message."""
    message, name = route.method.response, route.binding.response_body
    if message.is_content:
        return content_of(*codec.decode_content(message, encoded))
    if not name:
        text, etag = codec.decode_resource(message, encoded)
        return Content(text.encode(), etag=etag)
    field = message.fields[name]
    if holds_content(field):
        return content_of(*codec.decode_content(message, encoded, field.name))
    empty: dict[str, object] | None = {} if field.kind is Kind.MESSAGE else None
    return Content(orjson.dumps(orjson.loads(codec.decode(message, encoded)).get(field.json_name, empty)))


def content_of(content_type: str, data: bytes) -> Content:
    """Return content with the type that its service gave it; one that cannot be a header is not passed on."""
    return Content(data, content_type.encode() if _MEDIA_TYPE.fullmatch(content_type) else UNKNOWN_CONTENT)
