"""Changes of versions, whatever they are versions of."""

from collections.abc import Mapping
from typing import Protocol, TypeVar
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.versions import store
from services.execution.versions.domain import State, Version
from services.execution.versions.store import Family, V

T = TypeVar("T", bound=Version)


class Transition(Protocol[T]):
    """An operation that takes a version from one state to another."""

    async def __call__(self, tx: Transaction, *, family: Family[T], entity_id: UUID, etag: str) -> T:
        """Return the version as it is afterwards."""


async def create_version(tx: Transaction, *, family: Family[V], version: V) -> V:
    """Make a version."""
    await store.insert_version(tx.connection, family, version)
    tx.record("created", after=version)
    return version


async def update_version(  # a change, and by whom of what
    tx: Transaction, *, family: Family[V], entity_id: UUID, values: Mapping[str, object], user_id: UUID, etag: str
) -> V:
    """Give a DRAFT other values, or make the next version of one that is no DRAFT. With the same, nothing changes.

    Raises:
        WorkflowNotFound, AgentNotFound: no such version, or deleted.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
    """
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is current:
        return current
    if current.state is State.DRAFT:
        return await change(tx, family, "updated", current, updated)
    number = await store.next_version_number(tx.connection, family, current.family_id)
    return await create_version(tx, family=family, version=updated.next(tx.now, number, user_id))


async def activate_version(tx: Transaction, *, family: Family[V], entity_id: UUID, etag: str) -> V:
    """Let executions start from a version, and no other. Its NotFound or WrongState, EtagMismatch."""
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.expect(current, etag)
    active = current.activate(tx.now)
    before = await store.find_active(tx.connection, family, current.family_id)
    if before is not None:
        await change(tx, family, "deactivated", before, before.deactivate(tx.now))
    return await change(tx, family, "activated", current, active)


async def deactivate_version(tx: Transaction, *, family: Family[V], entity_id: UUID, etag: str) -> V:
    """Let no execution start from a version. Its NotFound or WrongState, EtagMismatch."""
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.expect(current, etag)
    return await change(tx, family, "deactivated", current, current.deactivate(tx.now))


async def archive_version(tx: Transaction, *, family: Family[V], entity_id: UUID, etag: str) -> V:
    """Only keep a version. Its NotFound or WrongState, EtagMismatch."""
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.expect(current, etag)
    return await change(tx, family, "archived", current, current.archive(tx.now))


async def delete_version(tx: Transaction, *, family: Family[V], entity_id: UUID, etag: str) -> V:
    """Delete a version. Its NotFound, EtagMismatch."""
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.expect(current, etag)
    return await change(tx, family, "deleted", current, current.delete(tx.now, UUID(tx.actor.subject)))


async def undelete_version(tx: Transaction, *, family: Family[V], entity_id: UUID, etag: str) -> V:
    """Bring a deleted version back. Its NotFound, EtagMismatch, or that it is not deleted."""
    current = await store.lock_version(tx.connection, family, entity_id)
    tags.expect(current, etag)
    return await change(tx, family, "undeleted", current, current.undelete(tx.now))


async def change(tx: Transaction, family: Family[V], type: str, before: V, after: V) -> V:  # noqa: A002  # the event's own word
    """Store a changed version, and say what happened to it."""
    await store.update_version(tx.connection, family, after)
    tx.record(type, before=before, after=after)
    return after
