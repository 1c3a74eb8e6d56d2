"""Transactions: opened, scoped to one account, made repeatable, retried and committed here and nowhere else.

The bookkeeping speaks to the driver directly, in as few round trips as it can; the domain's own SQL is SQLAlchemy Core
on the same connection. Reads have no transaction, only a connection that shows one account and cannot write.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import asyncpg

from chassis import faults, idempotency, trace
from chassis.actor import Actor
from chassis.changes import Entity, PendingChange, Registry, pending
from chassis.errors import DatabaseUnavailable, TransactionConflict
from chassis.pool import Pool, PoolUse
from chassis.sql import Connection

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver and the network raise; a statement that takes too long is among them."""
ATTEMPTS = 4
"""Times a transaction is tried when others keep changing the same rows."""

_BACKOFF = 0.05  # seconds before the second attempt, at most; doubles each time (full jitter)
_DATABASE = {"db.system.name": "postgresql"}


_BEFORE_COMMIT = faults.Point(
    "database.before_commit", "The operation ran; its changes go to the outbox in one message with the commit."
)
_AFTER_COMMIT = faults.Point("database.after_commit", "It is committed, and neither the caller nor the relay knows.")

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Transaction:
    """One transaction of one account. An operation uses it and never opens or ends one.

    `now` is the instant the transaction began, the same for everything in it.
    """

    connection: Connection
    actor: Actor
    registry: Registry
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    changes: list[PendingChange] = field(default_factory=list)

    @property
    def account_id(self) -> UUID:
        """The acting account."""
        return self.actor.account_id

    @asynccontextmanager
    async def within(self, account_id: UUID) -> AsyncIterator[None]:
        """Go on in another account for a block: one that the block makes, or the own one of the person who acts.

        Row security shows that account alone meanwhile, and what is recorded belongs to it. The request id stays with
        the account that was entered first. What a block raises must leave the transaction.
        """
        entered, self.actor = self.actor, replace(self.actor, account_id=account_id)
        await self.connection.driver.execute(_showing(account_id))
        yield
        self.actor = entered
        await self.connection.driver.execute(_showing(entered.account_id))

    def record(self, type: str, *, before: Entity | None = None, after: Entity | None = None) -> None:  # noqa: A002  # the event's own word
        """Record what happened to an entity. It becomes a change event if and only if the transaction commits.

        Args:
            type: what happened, in the past tense, such as `archived`.
            before: the entity as it was; None for a creation.
            after: the entity as it is; None for a purge.
        """
        self.changes.append(pending(self.registry, self.actor, self.now, type, before, after))


class Database:
    """The database of one service, as seen by requests: every transaction sees one account and no other."""

    def __init__(self, pool: Pool, registry: Registry, wake_relay: Callable[[], None]) -> None:
        self._pool = pool
        self._registry = registry
        self._wake_relay = wake_relay

    def pool_use(self) -> PoolUse:
        """Return how busy the pool is."""
        return self._pool.use()

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
            async with self._pool.showing(actor.account_id) as connection:
                earlier = await idempotency.earlier(connection.driver, actor.account_id, actor.repeat)
                return None if earlier is None else await self._registry.load(connection, *earlier)
        except FAILURES as exc:
            raise translated(exc) from exc

    async def read(
        self,
        actor: Actor,
        query: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query that sees the actor's account and cannot write. Raises DatabaseUnavailable.

        Each of its statements is a transaction of its own and sees what is committed when it begins.
        """
        try:
            with trace.part(query.__name__, **_DATABASE):
                async with self._pool.showing(actor.account_id) as connection:
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
        async with self._transaction(actor) as (connection, earlier):
            if earlier is not None:
                current: T = await self._registry.load(connection, *earlier)
                await connection.driver.execute("COMMIT")
                return current
            transaction = Transaction(connection, actor, self._registry)
            result = await operation(transaction, *args, **kwargs)
            last = [*_recorded(transaction), *self._settled(actor, result), "COMMIT"]
            _BEFORE_COMMIT.reach()
            await connection.driver.execute("; ".join(last))
        _AFTER_COMMIT.reach()
        if transaction.changes:
            self._wake_relay()
        return result

    def _settled(self, actor: Actor, result: object) -> Iterator[str]:
        """Yield what remembers the request. TypeError for an operation whose answer a repetition could not find."""
        if actor.repeat is None:
            return
        if not isinstance(result, Entity):
            msg = "an operation with a request id returns the entity it made or changed"
            raise TypeError(msg)
        kind = self._registry.kind_of(result)
        yield idempotency.settling(actor.account_id, actor.repeat.request_id, kind.type, result.entity_id)

    @asynccontextmanager
    async def _transaction(self, actor: Actor) -> AsyncIterator[tuple[Connection, tuple[str, UUID] | None]]:
        """Begin a transaction for a block that commits it; one that raises rolls it back.

        With it comes what an earlier request with the actor's request id made or changed, None for none.
        """
        # One round trip; the value is a UUID of ours, so there is nothing to quote.
        begin = f"BEGIN READ WRITE; {_showing(actor.account_id)}"
        async with self._pool.lease() as connection:
            try:
                earlier = None
                if actor.repeat is None:
                    await connection.driver.execute(begin)
                else:
                    earlier = await idempotency.claim(connection.driver, begin, actor.account_id, actor.repeat)
                yield connection, earlier
            except BaseException:
                await _roll_back(connection.driver)
                raise


async def _roll_back(driver: Any) -> None:  # asyncpg is untyped here
    """Roll back. A connection that does not say that it did, in whatever state it is, is not used again."""
    try:
        await driver.execute("ROLLBACK")
    except BaseException as exc:
        driver.terminate()
        if not isinstance(exc, FAILURES):
            raise


def _recorded(transaction: Transaction) -> Iterator[str]:
    """Yield what puts the changes into the outbox: UUIDs and bytes of ours, so there is nothing to quote."""
    shown = transaction.account_id
    for account_id, changes in groupby(transaction.changes, lambda change: change.account_id):
        if account_id != shown:
            yield _showing(account_id)
            shown = account_id
        rows = [
            f"('{account_id}', {_bytes(change.header)}, {_bytes(os.urandom(16))}, {_bytes(change.payload)})"
            for change in changes
        ]
        yield f"INSERT INTO outbox (account_id, header, salt, payload) VALUES {', '.join(rows)}"  # noqa: S608  # as above
    if shown != transaction.account_id:
        yield _showing(transaction.account_id)


def _showing(account_id: UUID) -> str:
    return f"SET LOCAL app.account_id = '{account_id}'"


def _bytes(value: bytes) -> str:
    return f"'\\x{value.hex()}'"


def _worth_repeating(exc: BaseException, *, repeatable: bool) -> bool:
    if isinstance(exc, (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)):
        return True
    return repeatable and _lost_connection(exc)


def _lost_connection(exc: BaseException) -> bool:
    kinds = (
        OSError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # for a connection that is lost while it is being made, or reset
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.CannotConnectNowError,
    )
    return isinstance(exc, kinds)


def translated(exc: BaseException) -> BaseException:
    """Return what a caller may be told of a failure of the database; a fault of ours comes back as it is."""
    if isinstance(exc, (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)):
        return TransactionConflict()
    if _lost_connection(exc) or isinstance(exc, asyncpg.InsufficientResourcesError):
        return DatabaseUnavailable()
    return exc
