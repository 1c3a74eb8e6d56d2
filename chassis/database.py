"""Transactions: opened, scoped to one account, made repeatable, retried and committed here and nowhere else.

The bookkeeping speaks to the driver directly, in as few round trips as it can; the domain's own SQL is SQLAlchemy Core
on the same connection.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis import faults, idempotency, trace
from chassis.actor import Actor, RepeatKey
from chassis.changes import Entity, PendingChange, Registry, pending
from chassis.errors import DatabaseUnavailable, TransactionConflict
from chassis.settings import ServiceSettings

FAILURES = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What SQLAlchemy, the driver and the network raise; a statement that takes too long is among them."""
ATTEMPTS = 4
"""Times a transaction is tried when others keep changing the same rows."""
SESSION = {"idle_in_transaction_session_timeout": "10s"}
"""Of every connection: a process that was stopped in a transaction must not keep its locks from others for ever."""

_BACKOFF = 0.05  # seconds before the second attempt, at most; doubles each time (full jitter)
_COMMAND_TIMEOUT = 10.0  # seconds one statement may take

_DATABASE = {"db.system.name": "postgresql"}

_RECORD = """
INSERT INTO outbox (account_id, header, salt, payload)
SELECT $1, change.* FROM unnest($2::bytea[], $3::bytea[], $4::bytea[]) AS change
"""

_BEFORE_COMMIT = faults.Point(
    "database.before_commit", "The operation ran and its changes are in the outbox; nothing is committed."
)
_AFTER_COMMIT = faults.Point("database.after_commit", "It is committed, and neither the caller nor the relay knows.")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Transaction:
    """One transaction of one account. An operation uses it and never opens or ends one.

    `now` is the instant the transaction began, the same for everything in it.
    """

    connection: AsyncConnection
    actor: Actor
    registry: Registry
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    changes: list[PendingChange] = field(default_factory=list)

    @property
    def account_id(self) -> UUID:
        """The acting account."""
        return self.actor.account_id

    def record(self, type: str, *, before: Entity | None = None, after: Entity | None = None) -> None:  # noqa: A002  # the event's own word
        """Record what happened to an entity. It becomes a change event if and only if the transaction commits.

        Args:
            type: what happened, in the past tense, such as `archived`.
            before: the entity as it was; None for a creation.
            after: the entity as it is; None for a purge.
        """
        self.changes.append(pending(self.registry, self.actor, self.now, type, before, after))


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections that a pool may have, that are in use, and callers that wait for one."""

    size: int
    in_use: int
    waiting: int


class Database:
    """The database of one service, as seen by requests: every transaction sees one account and no other."""

    def __init__(self, engine: AsyncEngine, registry: Registry, wake_relay: Callable[[], None]) -> None:
        self._engine = engine
        self._registry = registry
        self._wake_relay = wake_relay
        self._waiting = 0

    def pool_use(self) -> PoolUse:
        """Return how busy the pool is."""
        pool: Any = self._engine.pool
        return PoolUse(pool.size(), pool.checkedout(), self._waiting)

    async def write(
        self,
        actor: Actor,
        operation: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run an operation in a transaction and commit what it did together with the changes it recorded.

        When the actor carries a request id that has been used, the operation does not run: the answer is the current
        state of what it made or changed then.

        Raises:
            TransactionConflict: rivals kept winning; nothing was applied.
            DatabaseUnavailable: nothing is known of the outcome; safe to repeat with the same request id.
            RequestIdReused: the request id belongs to another request.
        """
        for attempt in range(ATTEMPTS):
            try:
                with trace.part(operation.__name__, **_DATABASE):
                    return await self._write_once(actor, operation, *args, **kwargs)
            except FAILURES as exc:
                if not _worth_repeating(exc, repeatable=actor.repeat is not None) or attempt == ATTEMPTS - 1:
                    raise translated(exc) from exc
            await asyncio.sleep(random.uniform(0, _BACKOFF * 2**attempt))  # noqa: S311  # jitter, not a secret
        raise TransactionConflict

    async def find_repeated(self, actor: Actor) -> Any:  # an entity of any kind
        """Return what an earlier request with the actor's request id made or changed, as it is now; None for none.

        For what must be done before `write` and only once. Raises RequestIdReused, DatabaseUnavailable.
        """
        if actor.repeat is None:
            return None
        try:
            async with self._scoped(actor.account_id, "BEGIN READ ONLY") as (connection, driver):
                earlier = await idempotency.earlier(driver, actor.account_id, actor.repeat)
                return None if earlier is None else await self._registry.load(connection, *earlier)
        except FAILURES as exc:
            raise translated(exc) from exc

    async def read(
        self,
        actor: Actor,
        query: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query in a read-only transaction of the actor's account. Raises DatabaseUnavailable."""
        try:
            with trace.part(query.__name__, **_DATABASE):
                async with self._scoped(actor.account_id, "BEGIN READ ONLY") as (connection, _):
                    return await query(connection, *args, **kwargs)
        except FAILURES as exc:
            raise translated(exc) from exc

    async def _write_once(
        self,
        actor: Actor,
        operation: Callable[Concatenate[Transaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async with self._scoped(actor.account_id, "BEGIN") as (connection, driver):
            if actor.repeat is not None and (
                earlier := await idempotency.claim(driver, actor.account_id, actor.repeat)
            ):
                current: T = await self._registry.load(connection, *earlier)
                return current
            transaction = Transaction(connection, actor, self._registry)
            result = await operation(transaction, *args, **kwargs)
            await _flush(driver, transaction)
            if actor.repeat is not None:
                await self._settle(driver, actor.account_id, actor.repeat, result)
            _BEFORE_COMMIT.reach()
        _AFTER_COMMIT.reach()
        if transaction.changes:
            self._wake_relay()
        return result

    async def _settle(self, driver: Any, account_id: UUID, repeat: RepeatKey, result: object) -> None:
        """Remember what the request made. TypeError for an operation whose answer a repetition could not find again."""
        if not isinstance(result, Entity):
            msg = "an operation with a request id returns the entity it made or changed"
            raise TypeError(msg)
        kind = self._registry.kind_of(result)
        await idempotency.settle(driver, account_id, repeat, kind.type, result.entity_id)

    @asynccontextmanager
    async def _scoped(self, account_id: UUID, begin: str) -> AsyncIterator[tuple[AsyncConnection, Any]]:
        self._waiting += 1
        try:
            connection = await self._engine.connect()
        finally:
            self._waiting -= 1
        try:
            driver = await _live_driver(connection)
            try:
                # One round trip; the value is a UUID of ours, so there is nothing to quote.
                await driver.execute(f"{begin}; SET LOCAL app.account_id = '{account_id}'")
                yield connection, driver
                await driver.execute("COMMIT")
            except BaseException:
                await _roll_back(connection, driver)
                raise
        finally:
            # Without `async with`, which makes a task for it: giving back such a connection awaits nothing.
            await connection.close()


async def _live_driver(connection: AsyncConnection) -> Any:  # asyncpg's connection is untyped here
    """Return the driver's connection; one that died while nobody used it is replaced, which the pool cannot see."""
    while True:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if not driver.is_closed():
            return driver
        await connection.invalidate()


async def _roll_back(connection: AsyncConnection, driver: Any) -> None:  # as above
    try:
        await driver.execute("ROLLBACK")
    except FAILURES:
        await connection.invalidate()


async def _flush(driver: Any, transaction: Transaction) -> None:  # as above
    if transaction.changes:
        await driver.execute(
            _RECORD,
            transaction.account_id,
            [change.header for change in transaction.changes],
            [os.urandom(16) for _ in transaction.changes],
            [change.payload for change in transaction.changes],
        )


def _cause(exc: BaseException) -> BaseException:
    """Return the driver's own exception behind SQLAlchemy's."""
    original = getattr(exc, "orig", None)
    return getattr(original, "__cause__", None) or original or exc


def _worth_repeating(exc: BaseException, *, repeatable: bool) -> bool:
    cause = _cause(exc)
    if isinstance(cause, (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)):
        return True
    return repeatable and _lost_connection(cause)


def _lost_connection(cause: BaseException) -> bool:
    kinds = (
        OSError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # for a connection that is lost while it is being made, or reset
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.CannotConnectNowError,
    )
    return isinstance(cause, kinds)


def translated(exc: BaseException) -> BaseException:
    """Return what a caller may be told of a failure of the database; a fault of ours comes back as it is."""
    cause = _cause(exc)
    if isinstance(cause, (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)):
        return TransactionConflict()
    if _lost_connection(cause) or isinstance(cause, asyncpg.InsufficientResourcesError):
        return DatabaseUnavailable()
    return exc


def constraint_of(exc: DBAPIError) -> str:
    """Return the name of the constraint a statement broke, empty when it was something else."""
    return str(getattr(_cause(exc), "constraint_name", "") or "")


@asynccontextmanager
async def open_engine(settings: ServiceSettings) -> AsyncIterator[AsyncEngine]:
    """Open the pool of the service's own role, which owns nothing and sees one account at a time.

    Raises:
        RuntimeError: the role could see past row security.
    """
    url = settings.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://")
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, command_timeout=_COMMAND_TIMEOUT, server_settings=SESSION),
        isolation_level="AUTOCOMMIT",  # transactions are opened above, in one message with their account
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_use_lifo=True,
    )
    try:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            await check_role(driver)
        yield engine
    finally:
        await engine.dispose()


async def check_role(driver: Any) -> None:  # as above
    """Refuse a role that row security does not bind: a superuser, one with BYPASSRLS, or the owner of a table."""
    unbound = await driver.fetchval(
        "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
        " FROM pg_roles WHERE rolname = current_user"
    )
    if unbound:
        msg = "the database role is a superuser, has BYPASSRLS or owns tables; use the service's own role"
        raise RuntimeError(msg)
