"""Who comes by a link: its secret and its tickets are looked up before any account is known, so among all of them."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stateroom.api.v1 import policy_pb2

from chassis import database
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import CredentialInvalid
from chassis.rpc import credential
from chassis.rpc.call import Principal
from chassis.system import SystemDatabase
from services.session.sharing import operations

_LINK = "SELECT account_id, secret_sha256 FROM share_links WHERE share_link_id = $1"
_TICKET = "SELECT account_id, share_link_id FROM share_tickets WHERE ticket_id = $1 AND secret_sha256 = $2"
_HOLDS = """
SELECT account_id, session_id, controls, label FROM share_links JOIN sessions USING (account_id, session_id)
WHERE share_link_id = $1 AND revoke_time IS NULL AND expire_time > now() AND delete_time IS NULL
"""
_RIGHTS = {
    False: (policy_pb2.VIEWER, frozenset({"sessions.read"})),
    True: (policy_pb2.MEMBER, frozenset({"sessions.read", "sessions.write"})),
}
"""Role and scopes of who may only look, and of who may type."""
_GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Tickets:
    """Knows links and tickets of all accounts. DatabaseUnavailable when nobody can tell at the moment."""

    system: SystemDatabase
    database: Database

    async def link(self, secret: str) -> tuple[UUID, UUID]:
        """Return account and id of the link with this secret. CredentialMalformed or CredentialInvalid."""
        sent = credential.parse(secret)
        row = await self._row(_LINK, sent.credential_id)
        if row is None or not hmac.compare_digest(sent.secret_sha256, row["secret_sha256"]):
            raise CredentialInvalid
        return row["account_id"], sent.credential_id

    async def redeem(self, text: str) -> Principal:
        """Use a ticket up and return who holds it. CredentialMalformed or CredentialInvalid."""
        sent = credential.parse(text)
        row = await self._row(_TICKET, sent.credential_id, sent.secret_sha256)
        if row is None:
            raise CredentialInvalid
        holder = await self._holder(row["share_link_id"])
        actor = Actor(row["account_id"], holder.subject, holder.credential_id)
        await self.database.write(actor, operations.redeem_ticket, ticket=sent)
        return holder

    async def confirm(self, holder: Principal) -> Principal:
        """Return who came by a link, as the link says now. CredentialInvalid once it was revoked or has expired."""
        return await self._holder(UUID(holder.credential_id))

    async def _holder(self, share_link_id: UUID) -> Principal:
        row = await self._row(_HOLDS, share_link_id)
        if row is None:
            raise CredentialInvalid
        role, scopes = _RIGHTS[row["controls"]]
        return Principal(
            subject=f"link:{share_link_id}",
            account_id=row["account_id"],
            role=role,
            scopes=scopes,
            credential_id=str(share_link_id),
            name=row["label"] or _GUEST,
            resource_id=row["session_id"],
        )

    async def _row(self, statement: str, *values: object) -> Any:  # asyncpg's record is untyped here
        async with _translated(), self.system.connection() as connection:
            return await connection.fetchrow(statement, *values)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except database.FAILURES as exc:
        raise database.translated(exc) from exc
