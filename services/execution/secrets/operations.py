"""Changes of secrets."""

from uuid import UUID

from chassis import ids
from chassis.database import Transaction
from services.execution.secrets import store
from services.execution.secrets.domain import LIMIT, Secret
from services.execution.secrets.errors import SecretNotFound, TooManySecrets


async def set_secret(tx: Transaction, *, name: str, sealed: bytes, user_id: UUID) -> Secret:
    """Keep a value, in place of the one that was there. TooManySecrets, TransactionConflict."""
    current = await store.lock_secret(tx.connection, name)
    if current is not None:
        secret = current.reset(tx.now, sealed, user_id)
        await store.update_secret(tx.connection, secret)
        tx.record("replaced", before=current, after=secret)
        return secret
    if await store.count_secrets(tx.connection) >= LIMIT:
        raise TooManySecrets(LIMIT)
    secret = Secret(ids.new(), tx.account_id, name, sealed, user_id, 1, tx.now, tx.now)
    await store.insert_secret(tx.connection, secret)
    tx.record("created", after=secret)
    return secret


async def delete_secret(tx: Transaction, *, name: str) -> Secret:
    """Destroy a secret. SecretNotFound."""
    current = await store.lock_secret(tx.connection, name)
    if current is None:
        raise SecretNotFound(name)
    await store.delete_secret(tx.connection, current.secret_id)
    tx.record("deleted", before=current)
    return current
