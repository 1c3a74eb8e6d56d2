"""Passes: what browsers show at the origin of a preview, in the place of a credential. They come before any account."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from stateroom.workspace.v1 import credential_service_pb2 as credential_pb
from stateroom.workspace.v1.credential_service_pb2_grpc import CredentialServiceStub

from chassis import database, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import CredentialMalformed
from chassis.rpc import credential
from chassis.rpc.channels import Neighbour
from chassis.system import SystemDatabase
from services.session.previews import operations, store
from services.session.previews.errors import PreviewPassRefused

TICKET, PASS = "t", "p"
"""Kinds of credentials. A ticket stands in a URL, works once and not for long; a pass is what it is exchanged for."""
LIFE = timedelta(hours=12)
"""How long a pass works, if the credential behind it does."""

KNOWN_FOR = 2.5
"""Seconds for which a credential that worked is believed to work still, when a connection is opened."""

_REMEMBERED = 10_000  # credentials, after which all are asked about again


def mint_ticket() -> credential.Credential:
    """Make a ticket."""
    return credential.mint(TICKET, ids.new())


@dataclass(slots=True)
class Passes:
    """Looks passes up, and asks the workspace service whether the credentials behind them work still."""

    system: SystemDatabase
    database: Database
    workspace: Neighbour
    _working: dict[tuple[UUID, UUID], float] = field(default_factory=dict)
    """When credentials in accounts were last known to work."""

    async def redeem(self, preview_id: UUID, text: str, *, correlation_id: str) -> tuple[str, datetime]:
        """Return the pass that a ticket is exchanged for, and until when it works. PreviewPassRefused."""
        ticket = _parse(text)
        made = credential.mint(PASS, ticket.credential_id)
        until = datetime.now(UTC) + LIFE
        try:
            async with self.system.connection() as connection:
                holder = await store.find_holder(connection, preview_id, ticket)
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        if holder is None:
            raise PreviewPassRefused
        actor = Actor(holder.account_id, holder.subject, str(holder.credential_id), correlation_id)
        await self.database.write(
            actor, operations.redeem_ticket, preview_id=preview_id, ticket=ticket, made=made, until=until
        )
        return made.text, until

    async def account_of(self, preview_id: UUID, text: str, *, max_age: float = KNOWN_FOR) -> UUID:
        """Return the account in which the holder of a pass for a preview acts.

        Raises:
            PreviewPassRefused: it is none, is over, or is for another preview.
            CredentialInvalid: what it was made with works no more, as known at most `max_age` seconds ago.
        """
        try:
            async with self.system.connection() as connection:
                found = await store.find_pass(connection, preview_id, _parse(text))
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        if found is None:
            raise PreviewPassRefused
        account_id, credential_id = found
        await self._check(credential_id, account_id, max_age)
        return account_id

    async def _check(self, credential_id: UUID, account_id: UUID, max_age: float) -> None:
        key = (credential_id, account_id)
        began = time.monotonic()
        if began - self._working.get(key, float("-inf")) < max_age:
            return
        self._working.pop(key, None)
        request = credential_pb.CheckCredentialRequest(credential_id=str(credential_id), account_id=str(account_id))
        await self.workspace.call(CredentialServiceStub(self.workspace.channel).CheckCredential, request)
        if len(self._working) >= _REMEMBERED:
            self._working.clear()
        self._working[key] = began


def _parse(text: str) -> credential.Credential:
    try:
        return credential.parse(text)
    except CredentialMalformed as exc:
        raise PreviewPassRefused from exc
