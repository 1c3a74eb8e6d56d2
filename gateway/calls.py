"""What all kinds of methods share: the credential, the metadata and the message a call begins with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.rpc.token_cache import TokenCache
from gateway.backends import Backends
from gateway.credentials import credential_of
from gateway.http import HttpRequest
from gateway.metadata import Metadata, account_of, outgoing
from gateway.transcode.codec import Codec
from gateway.transcode.request import RequestBinder, RequestParts
from gateway.transcode.routes import Route
from gateway.transcode.schema import Method

REQUEST_ID_FIELD = "request_id"
ETAG_FIELD = "etag"


@dataclass(frozen=True, slots=True)
class Match:
    """A request and the route it found; `segments` are those of the path, still encoded."""

    request: HttpRequest
    route: Route
    segments: list[str]

    @property
    def method(self) -> Method:
        """The method to call."""
        return self.route.method

    @property
    def conditional(self) -> bool:
        """Whether the caller's etag came by If-Match."""
        return ETAG_FIELD in _header_fields(self)

    def parts(self, body: bytes = b"") -> RequestParts:
        """Return what the request's message is made of."""
        position = self.request.headers.get("last-event-id", "")
        return RequestParts(self.segments, self.request.query, body, _header_fields(self), position)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `credential` is empty for a method that needs none; `metadata` is what the service gets."""

    credential: str
    account: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Calls:
    """What is needed to make calls. An event stream shows every `heartbeat` seconds that it is alive."""

    backends: Backends
    tokens: TokenCache
    codec: Codec
    binder: RequestBinder
    body_limit: int
    heartbeat: float
    own_token: Callable[[], str]
    """Goes with calls without a credential: services believe what the gateway says about their origin."""

    async def identify(self, match: Match, subprotocols: Sequence[str] = ()) -> Caller:
        """Exchange the request's credential, unless the method is for everybody.

        Raises:
            DomainError: the credential is missing, malformed or refused, or cannot be checked now.
        """
        if match.method.anonymous:
            return Caller("", "", outgoing(match.request, self.own_token()))
        credential, account = credential_of(match.request, subprotocols), account_of(match.request)
        token = await self.tokens.token(credential, account, address=match.request.client_address)
        return Caller(credential, account, outgoing(match.request, token))


def _header_fields(match: Match) -> dict[str, str]:
    """Return what headers give to fields: Idempotency-Key and If-Match, of calls that change something."""
    if match.request.is_safe:
        return {}
    headers, fields = match.request.headers, match.method.request.fields
    sent = {REQUEST_ID_FIELD: headers.get("idempotency-key", ""), ETAG_FIELD: headers.get("if-match", "")}
    return {name: value for name, value in sent.items() if value and name in fields}
