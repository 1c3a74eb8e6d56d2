"""The head of an answer whose body is content: its version, its length, and which part of it was asked for."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from stateroom.api.v1.content_pb2 import ContentInfo

from gateway.answers import is_known
from gateway.http import Headers, HttpRequest
from gateway.transcode.names import LENGTH_FIELD, OFFSET_FIELD

OK, PARTIAL, NOT_MODIFIED, NOT_SATISFIABLE = 200, 206, 304, 416
ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")


def range_fields(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what `Range` gives to the fields of a request: one range that begins somewhere.

    Any other is none of which RFC 9110 says that it must be heeded, nor is one whose `If-Range` we would have to check.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or "if-range" in headers:
        return {}
    if not found[2]:
        return {OFFSET_FIELD: found[1]}
    length = int(found[2]) - int(found[1]) + 1
    return {OFFSET_FIELD: found[1], LENGTH_FIELD: str(length)} if length > 0 else {}


def head_of(request: HttpRequest, info: ContentInfo, *, ranged: bool) -> tuple[int, Headers]:
    """Return status and headers of an answer; after 304 and 416 there is no body."""
    headers: Headers = []
    if ETAG.fullmatch(info.etag):
        headers.append((b"etag", info.etag.encode()))
        if is_known(request, {info.etag}):
            return NOT_MODIFIED, headers
    if info.file_name:
        headers.append((b"content-disposition", f"attachment; filename*=UTF-8''{quote(info.file_name, '')}".encode()))
    if not info.HasField("size_bytes"):
        return OK, headers
    headers.append((b"accept-ranges", b"bytes"))
    if ranged and not info.length:
        return NOT_SATISFIABLE, [*headers, (b"content-range", b"bytes */%d" % info.size_bytes)]
    headers.append((b"content-length", b"%d" % info.length))
    if not ranged:
        return OK, headers
    where = b"bytes %d-%d/%d" % (info.offset, info.offset + info.length - 1, info.size_bytes)
    return PARTIAL, [*headers, (b"content-range", where)]
