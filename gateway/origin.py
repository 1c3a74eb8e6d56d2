"""Keeps pages of other origins from acting with a person's browser, and lets those in that the operator named."""

from collections.abc import Iterable

from gateway.answers import Answer
from gateway.errors import CrossSite
from gateway.http import Headers, HttpRequest, Message, Send

_SCHEMES = ("http://", "https://")
_NO_CONTENT = 204
_REQUEST_HEADERS = (
    b"authorization, connect-timeout-ms, content-type, grpc-timeout, idempotency-key, if-match, if-none-match, "
    b"last-event-id, stateroom-account, traceparent, x-request-id"
)
_ANSWER_HEADERS = b"allow, etag, retry-after, x-request-id"
_PREFLIGHT_SECONDS = b"600"


class OriginRule:
    """Lets through pages of the gateway's own host and of the origins that the operator named."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed

    def check(self, request: HttpRequest, *, upgrade: bool) -> None:
        """Refuse an unsafe call or an upgrade that a page of another origin makes; programs send no origin.

        Raises:
            CrossSite: the origin is `null`, another host, or the browser says that the call is cross-site.
        """
        if request.is_safe and not upgrade:
            return
        origin = request.headers.get("origin", "").lower()
        if origin:
            if origin not in self._allowed and not _same_host(origin, request.headers.get("host", "").lower()):
                raise CrossSite(origin)
        elif request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            raise CrossSite(request.headers["sec-fetch-site"])

    def preflight(self, allowed_methods: Iterable[str]) -> Answer:
        """Return the answer to a browser that asks which calls a page may make; `shared` says for which origin."""
        headers: Headers = [
            (b"access-control-allow-methods", ", ".join(allowed_methods).encode()),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]
        return Answer(_NO_CONTENT, b"", headers)

    def is_preflight(self, request: HttpRequest) -> bool:
        """Return whether a browser asks on behalf of a page of an origin that the operator named."""
        return (
            request.method == "OPTIONS"
            and "access-control-request-method" in request.headers
            and request.headers.get("origin", "").lower() in self._allowed
        )

    def shared(self, request: HttpRequest, send: Send) -> Send:
        """Return a `send` whose answers a page may read, when its origin is one that the operator named.

        Credentials of the browser are never allowed: no cookie means anything to the gateway.
        """
        origin = request.headers.get("origin", "")
        if not origin or origin.lower() not in self._allowed:
            return send
        headers: Headers = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _ANSWER_HEADERS),
            (b"vary", b"origin"),
        ]

        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        return send_shared


def _same_host(origin: str, host: str) -> bool:
    return bool(host) and any(origin == scheme + host for scheme in _SCHEMES)
