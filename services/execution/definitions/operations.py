"""Changes of workflows."""

from collections.abc import Mapping
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.definitions import store
from services.execution.definitions.domain import State, Workflow


async def create_workflow(tx: Transaction, *, workflow: Workflow) -> Workflow:
    """Make the first version of a workflow."""
    await store.insert_workflow(tx.connection, workflow)
    tx.record("created", after=workflow)
    return workflow


async def update_workflow(
    tx: Transaction, *, workflow_id: UUID, values: Mapping[str, object], user_id: UUID, etag: str
) -> Workflow:
    """Give a DRAFT other values, or make the next version of one that is no DRAFT. With the same, nothing changes.

    Raises:
        WorkflowNotFound: no such version, or deleted.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
    """
    current = await store.lock_workflow(tx.connection, workflow_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is current:
        return current
    if current.state is State.DRAFT:
        return await _change(tx, "updated", current, updated)
    number = await store.next_version_number(tx.connection, current.parent_workflow_id)
    return await create_workflow(tx, workflow=updated.next(tx.now, number, user_id))


async def activate_workflow(tx: Transaction, *, workflow_id: UUID, etag: str) -> Workflow:
    """Let executions start from a version, and no other. WorkflowNotFound, EtagMismatch, WorkflowInWrongState."""
    current = await store.lock_workflow(tx.connection, workflow_id)
    tags.expect(current, etag)
    active = current.activate(tx.now)
    before = await store.find_active(tx.connection, current.parent_workflow_id)
    if before is not None:
        await _change(tx, "deactivated", before, before.deactivate(tx.now))
    return await _change(tx, "activated", current, active)


async def delete_workflow(tx: Transaction, *, workflow_id: UUID, etag: str) -> Workflow:
    """Delete a version. WorkflowNotFound, EtagMismatch."""
    current = await store.lock_workflow(tx.connection, workflow_id)
    tags.expect(current, etag)
    return await _change(tx, "deleted", current, current.delete(tx.now, UUID(tx.actor.subject)))


async def undelete_workflow(tx: Transaction, *, workflow_id: UUID, etag: str) -> Workflow:
    """Bring a deleted version back. WorkflowNotFound, EtagMismatch, WorkflowNotDeleted."""
    current = await store.lock_workflow(tx.connection, workflow_id)
    tags.expect(current, etag)
    return await _change(tx, "undeleted", current, current.undelete(tx.now))


async def _change(tx: Transaction, type: str, before: Workflow, after: Workflow) -> Workflow:  # noqa: A002  # the event's own word
    await store.update_workflow(tx.connection, after)
    tx.record(type, before=before, after=after)
    return after
