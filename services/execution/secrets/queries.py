"""Reads of secrets."""

from collections.abc import Collection

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.execution.secrets.domain import Secret
from services.execution.secrets.tables import secrets


async def list_secrets(connection: Connection, *, limit: int, after: str | None) -> list[Secret]:
    """Return secrets of the account, by name."""
    statement = select(secrets).order_by(secrets.c.name).limit(limit)
    if after is not None:
        statement = statement.where(secrets.c.name > after)
    return [tables.to(Secret, row) for row in await connection.execute(statement)]


async def find_secrets(connection: Connection, *, names: Collection[str]) -> list[Secret]:
    """Return those secrets of the account that there are."""
    rows = await connection.execute(select(secrets).where(secrets.c.name.in_(names)))
    return [tables.to(Secret, row) for row in rows]
