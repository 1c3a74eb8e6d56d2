"""Whole answers: their headers, and what of them is sent to whom."""

import asyncio
import gzip
import hashlib
from dataclasses import dataclass, field

from gateway.http import Headers, HttpRequest, Send
from gateway.negotiation import qualities

_OK, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304
_COMPRESSED_FROM = 1 << 10  # bytes; below that, compression costs more than it saves
_IN_THREAD_FROM = 1 << 16  # bytes; above that, compression would hold up other requests
ISOLATED = (b"content-security-policy", b"default-src 'none'; sandbox")
"""For content that services keep for people: no browser runs it in the name of this origin."""
_LEVEL = 1  # level 6 takes a third longer to make a list 6 % smaller


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `cache_control` lets nobody keep it unless it says otherwise.

    An etag in `headers` names the version of a resource, not bytes: it is the same however the answer is encoded.
    """

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)
    content_type: bytes = b"application/json"
    cache_control: bytes = b"no-store"


def digest_etag(body: bytes) -> bytes:
    """Return an etag that tells a body from every other."""
    return b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'


def answer_headers(request: HttpRequest, content_type: bytes, cache_control: bytes = b"no-store") -> Headers:
    """Return the headers that every answer has."""
    return [
        (b"content-type", content_type),
        (b"x-request-id", request.correlation_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", cache_control),
    ]


async def send_answer(request: HttpRequest, send: Send, answer: Answer) -> None:
    """Send a whole answer; of one to HEAD, only the head, and 304 when the client knows its etag.

    More than 1 KiB is compressed for clients that take gzip. Streams are not: their items are small, and each would
    have to be flushed.
    """
    headers = answer_headers(request, answer.content_type, answer.cache_control) + answer.headers
    status, body = answer.status, answer.body
    etags = {value.decode() for name, value in answer.headers if name == b"etag"}
    if status == _OK and request.is_safe and is_known(request, etags):
        status, body = _NOT_MODIFIED, b""
    elif len(body) > _COMPRESSED_FROM:
        headers.append((b"vary", b"accept-encoding"))
        if qualities(request.headers.get("accept-encoding", "")).get("gzip", 0.0) > 0:
            headers.append((b"content-encoding", b"gzip"))
            body = await _compressed(body)
    if status not in {_NO_CONTENT, _NOT_MODIFIED}:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


async def _compressed(body: bytes) -> bytes:
    if len(body) > _IN_THREAD_FROM:
        return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
    return gzip.compress(body, _LEVEL, mtime=0)


def is_known(request: HttpRequest, etags: set[str]) -> bool:
    """Whether the client knows one of these versions, and so needs no body. No version is known of what has none."""
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    return any(item.strip().removeprefix("W/") in etags | {"*"} for item in known.split(",") if etags)
