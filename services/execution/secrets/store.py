"""Writes of secrets, and reads of one."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chassis import tables
from chassis.errors import TransactionConflict
from chassis.sql import Connection
from services.execution.secrets.domain import Secret
from services.execution.secrets.errors import SecretNotFound
from services.execution.secrets.tables import secrets


async def insert_secret(connection: Connection, secret: Secret) -> None:
    """Store a new secret. TransactionConflict when somebody else has just stored one of its name."""
    wanted = insert(secrets).values(**tables.row_of(secret)).on_conflict_do_nothing()
    if (await connection.execute(wanted.returning(secrets.c.secret_id))).one_or_none() is None:
        raise TransactionConflict


async def update_secret(connection: Connection, secret: Secret) -> None:
    """Store a secret as it is now."""
    statement = update(secrets).where(secrets.c.secret_id == secret.secret_id)
    await connection.execute(statement.values(**tables.row_of(secret)))


async def delete_secret(connection: Connection, secret_id: UUID) -> None:
    """Destroy a secret."""
    await connection.execute(delete(secrets).where(secrets.c.secret_id == secret_id))


async def count_secrets(connection: Connection) -> int:
    """Return how many the account has."""
    count: int = (await connection.execute(select(func.count()).select_from(secrets))).scalar_one()
    return count


async def lock_secret(connection: Connection, name: str) -> Secret | None:
    """Return the secret of a name and hold its row until the transaction ends; None when there is none."""
    return await _find(connection, select(secrets).where(secrets.c.name == name).with_for_update())


async def get_secret(connection: Connection, secret_id: UUID) -> Secret:
    """Return a secret of the account. SecretNotFound."""
    found = await _find(connection, select(secrets).where(secrets.c.secret_id == secret_id))
    if found is None:
        raise SecretNotFound(str(secret_id))
    return found


async def _find(connection: Connection, statement: Select[Any]) -> Secret | None:
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(Secret, row)
