"""What all kinds of methods share: the credential, the metadata and the message a call begins with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.rpc.auth import TICKET_KEY
from chassis.rpc.token_cache import TokenCache, account_in
from gateway.backends import Backends
from gateway.content_head import range_fields
from gateway.credentials import credential_of, take_ticket
from gateway.failures import Called
from gateway.http import HttpRequest, Receive, read_body
from gateway.metadata import Metadata, outgoing
from gateway.transcode.codec import Codec
from gateway.transcode.names import (
    ETAG_FIELD,
    HEADERS,
    LENGTH_FIELD,
    OFFSET_FIELD,
    POSITION_HEADER,
    RANGE_HEADER,
    name_for_caller,
)
from gateway.transcode.request import RequestBinder, RequestParts
from gateway.transcode.routes import Route
from gateway.transcode.schema import Method


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
    def called(self) -> Called:
        """What a failure of the call is told with."""
        given = _header_fields(self)
        return Called(self.method.backend, ETAG_FIELD in given, OFFSET_FIELD in given, self._name_for_caller)

    def parts(self, body: bytes = b"") -> RequestParts:
        """Return what the request's message is made of."""
        headers = self.request.headers
        return RequestParts(
            self.segments,
            self.request.query,
            body,
            _header_fields(self),
            headers.get("last-event-id", ""),
            headers.get("content-type", ""),
        )

    def _name_for_caller(self, path: str) -> str:
        from_headers = {name: HEADERS.get(name, RANGE_HEADER) for name in _header_fields(self)}
        if self.method.resume and "last-event-id" in self.request.headers:
            from_headers[self.method.resume.request_position] = POSITION_HEADER
        return name_for_caller(self.route, path, from_headers)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `credential` is empty for a method that needs none; `metadata` is what the service gets.

    `token` is the internal one that the credential was exchanged for.
    """

    credential: str
    account: str
    metadata: Metadata
    token: str = ""


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
            headers = match.method.request_headers
            return Caller("", "", outgoing(match.request, self.own_token(), headers))
        if match.method.takes_ticket and (ticket := take_ticket(match.request)):
            return Caller("", "", (*outgoing(match.request, self.own_token()), (TICKET_KEY, ticket)))
        return await self.exchange(match.request, subprotocols)

    async def exchange(self, request: HttpRequest, subprotocols: Sequence[str] = ()) -> Caller:
        """Exchange a request's credential. Raises as `identify` does."""
        credential, account = credential_of(request, subprotocols), account_in(request.headers)
        token = await self.tokens.token(credential.text, account, address=request.client_address)
        request.credential_id, request.account = str(credential.credential_id), account
        return Caller(credential.text, account, outgoing(request, token), token)

    async def begin(self, match: Match, receive: Receive) -> tuple[Caller, bytes]:
        """Return who calls, and the bytes of the request's message.

        Raises:
            DomainError: the credential or the request is refused.
        """
        caller = await self.identify(match)
        body = await read_body(match.request, receive, self.body_limit, any_type=match.route.takes_content)
        return caller, self.binder.bind(match.route, match.parts(body))


def _header_fields(match: Match) -> dict[str, str]:
    """Return what headers give to fields: Idempotency-Key and If-Match of calls that change something, else Range."""
    headers, fields = match.request.headers, match.method.request.fields
    if match.request.is_safe:
        of_content = match.method.response.is_content and {OFFSET_FIELD, LENGTH_FIELD} <= fields.keys()
        return range_fields(headers) if of_content else {}
    sent = {name: headers.get(header.lower(), "") for name, header in HEADERS.items()}
    return {name: value for name, value in sent.items() if value and name in fields}
