"""Reads of share links."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.session.sharing.domain import ShareLink
from services.session.sharing.tables import share_links


async def list_share_links(
    connection: Connection, *, session_id: UUID | None, limit: int, after: UUID | None
) -> list[ShareLink]:
    """Return the account's links, newest first."""
    statement = select(share_links).order_by(share_links.c.share_link_id.desc()).limit(limit)
    if session_id is not None:
        statement = statement.where(share_links.c.session_id == session_id)
    if after is not None:
        statement = statement.where(share_links.c.share_link_id < after)
    return [tables.to(ShareLink, row) for row in await connection.execute(statement)]
