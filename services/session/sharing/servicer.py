"""SharingService: links into sessions."""

from dataclasses import dataclass, replace

from stateroom.session.v1 import sharing_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc import credential
from chassis.rpc.call import Call
from services.session.sharing import convert, operations, queries
from services.session.sharing.tickets import Tickets


@dataclass(frozen=True, slots=True)
class SharingServicer:
    """Serves stateroom.session.v1.SharingService."""

    database: Database
    pages: Pages
    tickets: Tickets

    async def CreateShareLink(self, request: pb.CreateShareLinkRequest, call: Call) -> pb.CreateShareLinkResponse:
        """Make a link, whose secret is answered once."""
        minted = credential.mint(credential.SHARE_LINK, ids.new())
        spec = convert.spec_from_proto(request.share_link)
        link = await self.database.write(call.actor, operations.create_share_link, spec=spec, credential=minted)
        secret = minted.text if link.secret_sha256 == minted.secret_sha256 else ""
        return pb.CreateShareLinkResponse(share_link=convert.share_link_to_proto(link), secret=secret)

    async def ListShareLinks(self, request: pb.ListShareLinksRequest, call: Call) -> pb.ListShareLinksResponse:
        """Return a page of the account's links."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_share_links,
            session_id=ids.parse(request.session_id) if request.session_id else None,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda link: link.share_link_id)
        return pb.ListShareLinksResponse(share_links=map(convert.share_link_to_proto, shown), next_page_token=token)

    async def RevokeShareLink(self, request: pb.RevokeShareLinkRequest, call: Call) -> pb.ShareLink:
        """Revoke a link."""
        link_id = ids.parse(request.share_link_id)
        revoke = operations.revoke_share_link
        link = await self.database.write(call.actor, revoke, share_link_id=link_id, etag=request.etag)
        return convert.share_link_to_proto(link)

    async def OpenShareLink(self, request: pb.OpenShareLinkRequest, call: Call) -> pb.OpenShareLinkResponse:
        """Give a ticket to whoever has a link's secret, who acts as that link."""
        account_id, link_id = await self.tickets.link(request.secret)
        actor = replace(call.acting_in(account_id), subject=f"link:{link_id}", credential_id=str(link_id))
        ticket = credential.mint(credential.TICKET, ids.new())
        link = await self.database.write(actor, operations.open_share_link, share_link_id=link_id, ticket=ticket)
        response = pb.OpenShareLinkResponse(
            ticket=ticket.text, session_id=str(link.session_id), role=convert.role_to_proto(link)
        )
        response.ticket_expire_time.FromDatetime(link.update_time + operations.TICKET_LIFETIME)
        return response
