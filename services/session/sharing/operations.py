"""Changes of share links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from chassis.rpc.credential import Credential
from services.session.sessions.store import session_store
from services.session.sharing import store
from services.session.sharing.domain import ShareLink, expiry

TICKET_LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """What a new link is to be; `expire_time` is None for the usual one."""

    session_id: UUID
    controls: bool
    label: str
    expire_time: datetime | None


async def create_share_link(tx: Transaction, *, spec: LinkSpec, credential: Credential) -> ShareLink:
    """Make a link whose secret is that of the credential.

    Raises:
        SessionNotFound: no such session in the account.
        EditorSession: there is nothing to attach to.
        SessionWithoutTerminal: its holders are to type, and nobody can.
        InvalidField: it would expire at once, or too late.
    """
    session = await session_store.get_session(tx.connection, spec.session_id)
    session.expect_process()
    if spec.controls:
        session.expect_terminal()
    link = ShareLink(
        share_link_id=credential.credential_id,
        account_id=tx.account_id,
        session_id=spec.session_id,
        controls=spec.controls,
        label=spec.label,
        secret_sha256=credential.secret_sha256,
        expire_time=expiry(tx.now, spec.expire_time),
        revoke_time=None,
        open_count=0,
        last_open_time=None,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
    )
    await store.insert_share_link(tx.connection, link)
    tx.record("created", after=link)
    return link


async def open_share_link(tx: Transaction, *, share_link_id: UUID, ticket: Credential) -> ShareLink:
    """Give a ticket to whoever has the link's secret. ShareLinkOver."""
    current = await store.lock_share_link(tx.connection, share_link_id)
    opened = current.open(tx.now)
    await store.update_share_link(tx.connection, opened)
    await store.insert_ticket(tx.connection, opened, ticket, tx.now + TICKET_LIFETIME)
    tx.record("opened", before=current, after=opened)
    return opened


async def revoke_share_link(tx: Transaction, *, share_link_id: UUID, etag: str) -> ShareLink:
    """Revoke a link; one that was revoked stays as it is. ShareLinkNotFound, EtagMismatch."""
    current = await store.lock_share_link(tx.connection, share_link_id)
    tags.expect(current, etag)
    revoked = current.revoke(tx.now)
    if revoked is not current:
        await store.update_share_link(tx.connection, revoked)
        tx.record("revoked", before=current, after=revoked)
    return revoked
