"""Credential look-up: from a secret to a token. It comes before any account is known, so it sees all of them."""

import hmac
from datetime import UTC, datetime

from stateroom.api.v1 import policy_pb2

from chassis import database
from chassis.errors import CredentialInvalid
from chassis.rpc import credential
from chassis.rpc.call import Principal
from chassis.rpc.credential import Credential
from chassis.rpc.tokens import TokenSigner
from chassis.system import SystemDatabase
from services.workspace.identity.domain import ApiKey, State
from services.workspace.identity.errors import AccountNotAllowed

_FIND = "SELECT * FROM api_keys WHERE api_key_id = $1"
_NAME = "SELECT COALESCE(NULLIF(display_name, ''), handle) FROM users WHERE user_id = $1"
_TOUCH = """
UPDATE api_keys SET last_used_time = now()
WHERE api_key_id = $1 AND (last_used_time IS NULL OR last_used_time < now() - interval '1 minute')
"""

_SHOWN = 64  # characters of what a caller sent that an answer repeats


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
            AccountNotAllowed: the key does not act in the account named.
            DatabaseUnavailable: nobody can tell at the moment.
        """
        sent = credential.parse(text)
        try:
            principal = await self._principal(sent, account)
        except database.FAILURES as exc:
            raise database.translated(exc) from exc
        return self._signer.sign_user(principal)

    async def _principal(self, sent: Credential, account: str) -> Principal:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_FIND, sent.credential_id)
            known = row["secret_sha256"] if row is not None else bytes(32)
            if not hmac.compare_digest(sent.secret_sha256, known) or row is None:
                raise CredentialInvalid
            api_key = ApiKey(**dict(row) | {"state": State(row["state"]), "scopes": tuple(row["scopes"])})
            if not api_key.works_at(datetime.now(UTC)):
                raise CredentialInvalid
            if account.lower() not in {"", str(api_key.account_id)}:
                raise AccountNotAllowed(account[:_SHOWN])
            await connection.execute(_TOUCH, api_key.api_key_id)
            name = await connection.fetchval(_NAME, api_key.user_id)
        return Principal(
            subject=str(api_key.user_id),
            account_id=api_key.account_id,
            role=policy_pb2.OWNER,
            scopes=frozenset(api_key.scopes),
            credential_id=str(api_key.api_key_id),
            name=name or "",
        )
