"""Who may see a preview: whoever shows a credential of its account, or a pass that a ticket was exchanged for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from stateroom.session.v1 import preview_gate_pb2 as gate_pb
from stateroom.session.v1 import preview_service_pb2 as pb
from stateroom.session.v1.preview_gate_pb2_grpc import PreviewGateServiceStub
from stateroom.session.v1.preview_service_pb2_grpc import PreviewServiceStub

from chassis.beside import beside
from chassis.rpc import status
from gateway.calls import Caller, Calls
from gateway.credentials import shows_credential
from gateway.errors import CrossSite, PreviewPassMissing
from gateway.http import Headers, HttpRequest
from gateway.metadata import DEADLINE, outgoing
from gateway.origin import OriginRule
from gateway.preview.headers import cookies
from gateway.preview.host import PreviewHosts
from gateway.preview.tunnel import SERVICE, Tunnel, open_tunnel
from gateway.watch import until_revoked

TICKET = b"stateroom_ticket="
"""The parameter of a query that holds a ticket; the session service makes such addresses."""
_COOKIE = "stateroom-preview"
_OTHERS = {"cross-site", "same-site"}


class Admission:
    """Opens previews to those who may see them."""

    def __init__(self, calls: Calls, hosts: PreviewHosts) -> None:
        self._calls = calls
        self._hosts = hosts
        self._origins = OriginRule(frozenset())
        channel = calls.backends.channel(SERVICE)
        self._gate: Any = PreviewGateServiceStub(channel)
        self._previews: Any = PreviewServiceStub(channel)
        self._secure = hosts.scheme == "https"
        self.cookie_name = f"__Host-{_COOKIE}" if self._secure else _COOKIE

    async def redeem(self, request: HttpRequest, ticket: str) -> Headers:
        """Return the headers that exchange a ticket for a pass, and lead to the same page without it.

        Raises:
            DomainError: the ticket was used, is too old, or belongs elsewhere.
        """
        preview_id = self._preview_id(request)
        asked = gate_pb.RedeemPreviewTicketRequest(preview_id=preview_id, ticket=ticket)
        metadata = outgoing(request, self._calls.own_token())
        try:
            made = await self._gate.RedeemPreviewTicket(asked, metadata=metadata, timeout=DEADLINE)
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=SERVICE)
        attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")
        query = b"&".join(part for part in request.query.split(b"&") if not part.startswith(TICKET))
        location = f"{self._hosts.scheme}://{request.headers['host']}{request.path}".encode("latin-1")
        return [
            (b"set-cookie", f"{self.cookie_name}={made.visitor_pass}{attributes}".encode()),
            (b"location", location + (b"?" + query if query else b"")),
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
        ]

    @asynccontextmanager
    async def opened(
        self, request: HttpRequest, headers: Headers, subprotocols: list[str], *, upgrade: bool
    ) -> AsyncIterator[Tunnel]:
        """Connect to the server of the preview that a request is for, while its sender may see it.

        Raises:
            PreviewPassMissing, CrossSite: it shows nothing, or a page of another origin made it.
            DomainError: what it shows is refused, then or later; or the server is not reached.
        """
        preview_id = self._preview_id(request)
        caller = Caller("", "", ())
        if shows_credential(request, subprotocols):
            caller = await self._calls.exchange(request, subprotocols)
            first: Any = pb.ConnectPreviewRequest(connect=pb.ConnectPreviewRequest.Connect(preview_id=preview_id))
            call = self._previews.ConnectPreview(metadata=caller.metadata)
        else:
            shown = cookies(headers, self.cookie_name)
            if not shown:
                raise PreviewPassMissing
            self._check_site(request, upgrade=upgrade)
            first = gate_pb.VisitPreviewRequest(
                visit=gate_pb.VisitPreviewRequest.Visit(preview_id=preview_id, visitor_pass=shown[0])
            )
            call = self._gate.VisitPreview(metadata=outgoing(request, self._calls.own_token()))
        try:
            tunnel = await open_tunnel(call, first)
            async with beside(until_revoked(self._calls, caller)):
                yield tunnel
        finally:
            call.cancel()

    def _preview_id(self, request: HttpRequest) -> str:
        preview_id = self._hosts.preview_id(request.headers.get("host", ""))
        if not preview_id:
            raise PreviewPassMissing
        return preview_id

    def _check_site(self, request: HttpRequest, *, upgrade: bool) -> None:
        """Refuse what a page of another origin does with a pass, other previews' pages before all.

        To a browser all previews are one site, so that SameSite keeps none of them from the others. What a person does,
        following a link, is all that may come from outside.
        """
        # Where a page says its origin, that is looked at for reading too: not every browser says `Sec-Fetch-Site`.
        self._origins.check(request, upgrade=upgrade or "origin" in request.headers)
        fetched = request.headers.get("sec-fetch-site", "")
        goes_there = request.headers.get("sec-fetch-mode") == "navigate"
        goes_there &= request.headers.get("sec-fetch-dest") == "document"
        if fetched in _OTHERS and not goes_there:
            raise CrossSite(fetched)
