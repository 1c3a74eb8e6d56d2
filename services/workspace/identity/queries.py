"""Reads of people and keys."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.workspace.identity import store
from services.workspace.identity.domain import ApiKey, State, User
from services.workspace.identity.tables import api_keys


async def get_user(connection: Connection, *, user_id: UUID) -> User:
    """Return a user. UserNotFound."""
    return await store.get_user(connection, user_id)


async def get_api_key(connection: Connection, *, api_key_id: UUID, user_id: UUID) -> ApiKey:
    """Return a key that belongs to a user. ApiKeyNotFound."""
    api_key = await store.get_api_key(connection, api_key_id)
    api_key.expect_owner(user_id)
    return api_key


async def list_api_keys(
    connection: Connection, *, user_id: UUID, state: State | None, key_prefix: str, limit: int, after: UUID | None
) -> list[ApiKey]:
    """Return a user's keys, newest first."""
    statement = (
        select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.api_key_id.desc()).limit(limit)
    )
    if state is not None:
        statement = statement.where(api_keys.c.state == state)
    if key_prefix:
        statement = statement.where(api_keys.c.key_prefix.startswith(key_prefix, autoescape=True))
    if after is not None:
        statement = statement.where(api_keys.c.api_key_id < after)
    return [tables.to(ApiKey, row) for row in await connection.execute(statement)]
