"""HTTP requests as the gateway reads them from ASGI."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from chassis import ids, trace
from gateway.errors import BodyCutShort, BodyTooLarge, HeadersTooLarge, UnsupportedMediaType, UrlTooLong

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

URL_LIMIT = 8 << 10  # bytes
HEADER_LIMIT = 32 << 10  # bytes of all names and values
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_JSON = re.compile(r"application/json\s*(;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class HttpRequest:
    """One request. `path` is still percent-encoded; names of `headers` are in lower case, `header_bytes` is their size.

    `may_have_body` is false for one that says it has none, which nobody needs to wait for.
    `rpc` is the full name of the method that it calls, empty until one is found. `credential_id` and `account` say who
    calls, once the credential was accepted: the account is empty unless the request names one.
    """

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    header_bytes: int
    may_have_body: bool
    client_address: str
    correlation_id: str
    traceparent: str
    rpc: str = ""
    credential_id: str = ""
    account: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether the method promises to change nothing."""
        return self.method in _SAFE

    def check_limits(self) -> None:
        """Refuse what no client of ours sends: UrlTooLong, HeadersTooLarge."""
        if len(self.path) + len(self.query) > URL_LIMIT:
            raise UrlTooLong(URL_LIMIT)
        if self.header_bytes > HEADER_LIMIT:
            raise HeadersTooLarge(HEADER_LIMIT)


def read_request(scope: Scope) -> HttpRequest:
    """Read what arrived before the body. Starts a span of the caller's trace, or a trace."""
    headers: dict[str, str] = {}
    header_bytes = 0
    for raw_name, raw_value in scope["headers"]:
        header_bytes += len(raw_name) + len(raw_value)
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    sent = headers.get("x-request-id", "")
    return HttpRequest(
        method=scope.get("method", "GET"),
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"],
        headers=headers,
        header_bytes=header_bytes,
        may_have_body=not _says_no_body(scope, headers),
        client_address=(scope.get("client") or ("",))[0],
        correlation_id=sent if _CORRELATION_ID.fullmatch(sent) else str(ids.new()),
        traceparent=trace.continue_from(headers.get(trace.HEADER)),
    )


def _says_no_body(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether there is no body: up to HTTP/1.1 a request announces one (RFC 9112, section 6)."""
    announced = "content-length" in headers or "transfer-encoding" in headers
    return not announced and str(scope["http_version"]).startswith("1")


_PATIENCE = 8
"""How many times the limit is read and thrown away for the sake of an answer that arrives."""


async def read_body(request: HttpRequest, receive: Receive, limit: int, *, any_type: bool = False) -> bytes:
    """Return the whole body, at most `limit` bytes, of JSON or, where it may be, of any type.

    A body somewhat too long is read to its end before it is refused: a client that is still sending would see a broken
    connection instead of the reason.

    Raises:
        BodyCutShort: the connection broke first; what came may lack the very limit that the caller set.
        BodyTooLarge: more than `limit` bytes were announced or came.
        UnsupportedMediaType: there is a body, and it is compressed, or no JSON in UTF-8 where it has to be.
    """
    if not request.may_have_body:
        return b""
    patience = _PATIENCE * limit
    if int_or_zero(request.headers.get("content-length", "")) > patience:
        raise BodyTooLarge(limit)
    chunks, size, more = [], 0, True
    while more and size <= patience:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyCutShort
        chunk = event.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        more = event.get("more_body", False)
    if size > limit:
        raise BodyTooLarge(limit)
    if size:
        _check_media_type(request, any_type=any_type)
    return b"".join(chunks)


def _check_media_type(request: HttpRequest, *, any_type: bool) -> None:
    media_type = request.headers.get("content-type", "")
    encoding = request.headers.get("content-encoding", "identity")
    if not any_type and not _JSON.fullmatch(media_type.strip()):
        raise UnsupportedMediaType(media_type or "not given")
    if encoding != "identity":
        described = f"{media_type} in {encoding}"
        raise UnsupportedMediaType(described)


def int_or_zero(text: str) -> int:
    """Return the number a header holds, 0 when it holds none."""
    return int(text) if text.isascii() and text.isdecimal() else 0
