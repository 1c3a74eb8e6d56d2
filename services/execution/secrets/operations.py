"""Changes of secrets."""

from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from chassis.errors import EtagMismatch
from services.execution.secrets import store
from services.execution.secrets.domain import LIMIT, Secret
from services.execution.secrets.errors import SecretNotFound, TooManySecrets


async def set_secret(tx: Transaction, *, name: str, sealed: bytes, user_id: UUID, etag: str) -> Secret:
    """Keep a value, in place of the one that was there. TooManySecrets, EtagMismatch, TransactionConflict."""
    current = await store.lock_secret(tx.connection, name)
    if current is not None:
        tags.expect(current, etag)
        secret = current.reset(tx.now, sealed, user_id)
        await store.update_secret(tx.connection, secret)
        tx.record("replaced", before=current, after=secret)
        return secret
    if etag not in {"", tags.ANY}:
        raise EtagMismatch(etag)
    if await store.count_secrets(tx.connection) >= LIMIT:
        raise TooManySecrets(LIMIT)
    secret = Secret(ids.new(), tx.account_id, name, sealed, user_id, 1, tx.now, tx.now)
    await store.insert_secret(tx.connection, secret)
    tx.record("created", after=secret)
    return secret


async def delete_secret(tx: Transaction, *, name: str, etag: str) -> Secret:
    """Destroy a secret. SecretNotFound, EtagMismatch."""
    current = await store.lock_secret(tx.connection, name)
    if current is None:
        raise SecretNotFound(name)
    tags.expect(current, etag)
    await store.delete_secret(tx.connection, current.secret_id)
    tx.record("deleted", before=current)
    return current
