"""Credential look-up: from a secret to a token. It comes before any account is known, so it sees all of them."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stateroom.api.v1 import policy_pb2

from chassis import database
from chassis.errors import CredentialInvalid
from chassis.rpc import credential
from chassis.rpc.call import Principal
from chassis.rpc.credential import Credential
from chassis.rpc.tokens import TokenSigner
from chassis.system import Connection, SystemDatabase
from services.workspace.identity.domain import ApiKey, State
from services.workspace.identity.errors import AccountNotAllowed

_FIND = "SELECT * FROM api_keys WHERE api_key_id = $1"
_ROLE = """
SELECT role FROM members JOIN teams USING (team_id) WHERE team_id = $1 AND user_id = $2 AND delete_time IS NULL
"""
_NAME = "SELECT COALESCE(NULLIF(display_name, ''), handle) FROM users WHERE user_id = $1"
_TOUCH = """
UPDATE api_keys SET last_used_time = now()
WHERE api_key_id = $1 AND (last_used_time IS NULL OR last_used_time < now() - interval '1 minute')
"""


class CredentialExchange:
    """Turns API keys into tokens that speak for their owners for at most 60 seconds."""

    def __init__(self, database: SystemDatabase, signer: TokenSigner) -> None:
        self._database = database
        self._signer = signer

    async def __call__(self, text: str, account: str) -> str:
        """Return a token. Raises as `exchange` does."""
        return (await self.exchange(text, account))[0]

    async def exchange(self, text: str, account: str) -> tuple[str, float]:
        """Return a token and when it expires (Unix seconds).

        Raises:
            CredentialMalformed: a typing error.
            CredentialInvalid: unknown, revoked or expired; one answer for all three.
            AccountNotAllowed: the key does not act in the account named, or in its own no more.
            DatabaseUnavailable: nobody can tell at the moment.
        """
        sent = credential.parse(text)
        try:
            principal = await self._principal(sent, account)
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        return self._signer.sign_user(principal)

    async def check(self, credential_id: UUID, account_id: UUID) -> None:
        """Return when a credential that was exchanged before still works in an account, and its person reads there.

        Raises:
            CredentialInvalid: it does not.
            DatabaseUnavailable: nobody can tell at the moment.
        """
        try:
            async with self._database.connection() as connection:
                row = await connection.fetchrow(_FIND, credential_id)
                role = await _role(connection, _api_key(row), account_id) if row is not None else None
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        reads = role is not None and role >= policy_pb2.VIEWER
        if row is None or not reads or not _api_key(row).works_at(datetime.now(UTC)):
            raise CredentialInvalid

    async def _principal(self, sent: Credential, account: str) -> Principal:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_FIND, sent.credential_id)
            known = row["secret_sha256"] if row is not None else bytes(32)
            if not hmac.compare_digest(sent.secret_sha256, known) or row is None:
                raise CredentialInvalid
            api_key = _api_key(row)
            if not api_key.works_at(datetime.now(UTC)):
                raise CredentialInvalid
            account_id = UUID(account) if account else api_key.account_id
            role = await _role(connection, api_key, account_id)
            if role is None:
                raise AccountNotAllowed(account or str(account_id))
            await connection.execute(_TOUCH, api_key.api_key_id)
            name = await connection.fetchval(_NAME, api_key.user_id)
        return Principal(
            subject=str(api_key.user_id),
            account_id=account_id,
            role=role,
            scopes=frozenset(api_key.scopes),
            credential_id=str(api_key.api_key_id),
            name=name or "",
        )


async def _role(connection: Connection, api_key: ApiKey, account_id: UUID) -> int | None:
    """Return what a key's person may do in an account; None for one in which the key does not act.

    A key of the person's own account acts in their teams as well, one that was made in a team in that one alone.
    """
    if account_id == api_key.user_id == api_key.account_id:
        return policy_pb2.OWNER
    if api_key.account_id not in {api_key.user_id, account_id}:
        return None
    name = await connection.fetchval(_ROLE, account_id, api_key.user_id)
    return None if name is None else policy_pb2.Role.Value(name)


def _api_key(row: Mapping[str, Any]) -> ApiKey:
    return ApiKey(**dict(row) | {"state": State(row["state"]), "scopes": tuple(row["scopes"])})
