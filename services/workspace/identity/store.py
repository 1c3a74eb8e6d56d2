"""Writes of people and keys, and reads by id."""

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, Uuid, bindparam, column, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.identity.domain import ApiKey, State, User
from services.workspace.identity.errors import ApiKeyNotFound, BootstrapTokenRefused, UserAlreadyExists, UserNotFound
from services.workspace.identity.tables import api_keys, bootstrap_claims, users

_USER = select(users).where(users.c.user_id == bindparam("user_id"))
_INSERT_KEY = insert(api_keys)
_KEY = select(api_keys).where(api_keys.c.api_key_id == bindparam("api_key_id"))
_KEY_LOCKED = _KEY.with_for_update()
_USED = select(
    func.use_api_key(bindparam("api_key_id", type_=Uuid)).table_valued(*(column(c.name, c.type) for c in api_keys.c))
)
_MEMBERSHIP = text("SELECT member_id FROM members WHERE team_id = :account_id AND user_id = :user_id FOR SHARE")
_CHANGE = text("SELECT pg_advisory_xact_lock(hashtextextended('api key ' || :api_key_id, 0))")
_UNIQUE = {"uq_users_handle": "handle", "pk_handles": "handle", "uq_users_email": "email"}


async def insert_user(connection: Connection, user: User) -> None:
    """Store a new user. UserAlreadyExists names the field that is taken."""
    try:
        await connection.execute(insert(users), tables.row_of(user))
    except asyncpg.UniqueViolationError as exc:
        field = _UNIQUE.get(exc.constraint_name)
        if field is None:
            raise
        raise UserAlreadyExists(field) from exc


async def get_user(connection: Connection, user_id: UUID) -> User:
    """Return a user. UserNotFound."""
    row = (await connection.execute(_USER, {"user_id": user_id})).one_or_none()
    if row is None:
        raise UserNotFound(user_id)
    return tables.to(User, row)


async def claim_bootstrap(connection: Connection, token_sha256: bytes, account_id: UUID, now: datetime) -> None:
    """Use up a bootstrap token. BootstrapTokenRefused when somebody has."""
    try:
        values = {"token_sha256": token_sha256, "account_id": account_id, "claim_time": now}
        await connection.execute(insert(bootstrap_claims).values(values))
    except asyncpg.UniqueViolationError as exc:
        raise BootstrapTokenRefused from exc


async def insert_api_key(connection: Connection, api_key: ApiKey) -> None:
    """Store a new key."""
    await connection.execute(_INSERT_KEY, tables.row_of(api_key))


async def update_api_key(connection: Connection, api_key: ApiKey) -> None:
    """Store a changed key."""
    statement = update(api_keys).where(api_keys.c.api_key_id == api_key.api_key_id)
    await connection.execute(statement.values(tables.row_of(api_key)))


async def get_api_key(connection: Connection, api_key_id: UUID) -> ApiKey:
    """Return a key of the account. ApiKeyNotFound."""
    return await _api_key(connection, _KEY, api_key_id)


async def use_api_key(connection: Connection, api_key_id: UUID) -> ApiKey:
    """Return a key that nobody changes until the transaction ends; others may use it meanwhile. ApiKeyNotFound.

    An advisory lock and not one of the row, because it is given in the order of asking: whoever revokes a key in
    constant use is not overtaken again and again by those who use it.
    """
    return await _api_key(connection, _USED, api_key_id)


async def lock_api_key(connection: Connection, api_key_id: UUID) -> ApiKey:
    """Return a key that nobody else uses or changes until the transaction ends. ApiKeyNotFound."""
    await connection.execute(_CHANGE, {"api_key_id": str(api_key_id)})
    return await _api_key(connection, _KEY_LOCKED, api_key_id)


async def hold_membership(connection: Connection, account_id: UUID, user_id: UUID) -> bool:
    """Return whether a person belongs to the acting team; who does stays in it until the transaction ends."""
    found = await connection.execute(_MEMBERSHIP, {"account_id": account_id, "user_id": user_id})
    return found.one_or_none() is not None


async def list_working(connection: Connection, user_id: UUID) -> list[UUID]:
    """Return the ids of the account's keys that a user has made and nobody has revoked, in one order for all."""
    statement = select(api_keys.c.api_key_id).where(api_keys.c.user_id == user_id, api_keys.c.state == State.ACTIVE)
    return list((await connection.execute(statement.order_by(api_keys.c.api_key_id))).scalars())


async def find_api_key(connection: Connection, api_key_id: UUID) -> ApiKey | None:
    """Return a key as `use_api_key` does; None when the account has no such key."""
    row = (await connection.execute(_USED, {"api_key_id": api_key_id})).one_or_none()
    return tables.to(ApiKey, row) if row is not None else None


async def _api_key(connection: Connection, statement: Executable, api_key_id: UUID) -> ApiKey:
    row = (await connection.execute(statement, {"api_key_id": api_key_id})).one_or_none()
    if row is None:
        raise ApiKeyNotFound(api_key_id)
    return tables.to(ApiKey, row)
