"""Writes of share links and tickets, and reads by id."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update

from chassis import tables
from chassis.rpc.credential import Credential
from chassis.sql import Connection
from services.session.sharing.domain import ShareLink
from services.session.sharing.errors import ShareLinkNotFound
from services.session.sharing.tables import share_links, tickets


async def insert_share_link(connection: Connection, link: ShareLink) -> None:
    """Store a new link."""
    await connection.execute(insert(share_links).values(tables.row_of(link)))


async def update_share_link(connection: Connection, link: ShareLink) -> None:
    """Store a changed link."""
    statement = update(share_links).where(share_links.c.share_link_id == link.share_link_id)
    await connection.execute(statement.values(tables.row_of(link)))


async def get_share_link(connection: Connection, share_link_id: UUID) -> ShareLink:
    """Return a link of the account. ShareLinkNotFound."""
    return await _link(connection, _by_id(share_link_id), share_link_id)


async def lock_share_link(connection: Connection, share_link_id: UUID) -> ShareLink:
    """Return a link of the account and hold its row until the transaction ends. ShareLinkNotFound."""
    return await _link(connection, _by_id(share_link_id).with_for_update(), share_link_id)


async def insert_ticket(connection: Connection, link: ShareLink, ticket: Credential, expire_time: datetime) -> None:
    """Store a ticket to the session of a link."""
    values = {
        "ticket_id": ticket.credential_id,
        "account_id": link.account_id,
        "share_link_id": link.share_link_id,
        "secret_sha256": ticket.secret_sha256,
        "expire_time": expire_time,
    }
    await connection.execute(insert(tickets).values(values))


async def use_up(connection: Connection, ticket: Credential) -> UUID | None:
    """Forget a ticket that works, and return its link; None when there is none."""
    working = (
        (tickets.c.ticket_id == ticket.credential_id)
        & (tickets.c.secret_sha256 == ticket.secret_sha256)
        & (tickets.c.expire_time > func.now())
    )
    return (
        await connection.execute(delete(tickets).where(working).returning(tickets.c.share_link_id))
    ).scalar_one_or_none()


def _by_id(share_link_id: UUID) -> Select[tuple[object, ...]]:
    return select(share_links).where(share_links.c.share_link_id == share_link_id)


async def _link(connection: Connection, statement: Select[tuple[object, ...]], share_link_id: UUID) -> ShareLink:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ShareLinkNotFound(share_link_id)
    return tables.to(ShareLink, row)
