"""Changes of contexts, and what is said in them."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.session.conversations.domain.context import Context, Message, Metadata, Role, Saying, State
from services.session.conversations.store import action_store
from services.session.conversations.store import context_store as store


async def create_context(tx: Transaction, *, context: Context) -> Context:
    """Begin a context."""
    await store.insert_context(tx.connection, context)
    tx.record("created", after=context)
    return context


async def update_context(tx: Transaction, *, context_id: UUID, values: Mapping[str, object], etag: str) -> Context:
    """Give a context other values, by the names of its fields. With those it has already, nothing changes.

    Raises:
        ContextNotFound: no such context, or deleted.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
        InvalidField: a value is one that never changes.
    """
    current = await store.lock_context(tx.connection, context_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is not current:
        await store.update_context(tx.connection, updated)
        tx.record("updated", before=current, after=updated)
    return updated


async def activate_context(tx: Transaction, *, context_id: UUID, etag: str) -> Context:
    """Begin the work. ContextNotFound, EtagMismatch, ContextInWrongState."""
    current = await store.lock_context(tx.connection, context_id)
    tags.expect(current, etag)
    return await _change(tx, "activated", current, current.activate(tx.now))


async def complete_context(tx: Transaction, *, context_id: UUID, etag: str) -> Context:
    """End the work. ContextNotFound, EtagMismatch, ContextInWrongState; ContextInUse while actions have not ended."""
    current = await store.lock_context(tx.connection, context_id)
    tags.expect(current, etag)
    completed = current.complete(tx.now)
    await action_store.expect_idle(tx.connection, context_id)
    return await _change(tx, "completed", current, completed)


async def delete_context(tx: Transaction, *, context_id: UUID, etag: str, retention: timedelta) -> Context:
    """Delete a context, to be purged after `retention`. ContextNotFound, EtagMismatch, ContextInUse."""
    current = await store.lock_context(tx.connection, context_id)
    tags.expect(current, etag)
    deleted = current.delete(tx.now, UUID(tx.actor.subject), retention)
    await action_store.expect_idle(tx.connection, context_id)
    return await _change(tx, "deleted", current, deleted)


async def undelete_context(tx: Transaction, *, context_id: UUID, etag: str) -> Context:
    """Bring a deleted context back. ContextNotFound, EtagMismatch, ContextNotDeleted."""
    current = await store.lock_context(tx.connection, context_id)
    tags.expect(current, etag)
    return await _change(tx, "undeleted", current, current.undelete(tx.now))


async def purge_context(tx: Transaction, *, context_id: UUID) -> None:
    """Remove a context whose time is up, with everything in it. ContextNotFound when that is done."""
    current = await store.lock_context(tx.connection, context_id)
    if current.purge_time is None or current.purge_time > tx.now:
        return
    await store.purge_context(tx.connection, context_id)
    tx.record("purged", before=current)


async def create_message(tx: Transaction, *, context_id: UUID, saying: Saying) -> Message:
    """Say something in a context. ContextNotFound; ContextInWrongState when it is COMPLETED."""
    context = await store.lock_context(tx.connection, context_id)
    context.expect(State.SETUP, State.ACTIVE)
    message = Message(
        message_id=ids.new(),
        account_id=tx.account_id,
        context_id=context_id,
        sequence=await store.next_sequence(tx.connection, context_id),
        role=saying.role,
        author_id=saying.author_id,
        content=saying.content,
        metadata=saying.metadata,
        create_time=tx.now,
    )
    await store.insert_message(tx.connection, message)
    tx.record("created", after=message)
    return message


async def note_deletion(tx: Transaction, *, context_id: UUID) -> None:
    """Say that the context's workspace was deleted, once for the event that tells so. ContextNotFound, as above."""
    metadata = Metadata(intent="workspace_deleted", entities=(tx.actor.cause_event_id,))
    await store.lock_context(tx.connection, context_id)
    if not await store.is_said(tx.connection, context_id, metadata):
        saying = Saying(Role.SYSTEM, None, "The workspace of this context was deleted.", metadata)
        await create_message(tx, context_id=context_id, saying=saying)


async def _change(tx: Transaction, type: str, before: Context, after: Context) -> Context:  # noqa: A002  # the event's own word
    await store.update_context(tx.connection, after)
    tx.record(type, before=before, after=after)
    return after
