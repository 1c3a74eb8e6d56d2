"""Changes of executions that are not in their plans: somebody starts or cancels them, or their time is up."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.definitions import queries as definitions
from services.execution.executions.children import cancel_children
from services.execution.executions.domain import Execution, ExecutionSpec, Failure, Owner, State
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import execution_store as store
from services.execution.executions.store import queue_store


async def start_execution(tx: Transaction, *, spec: ExecutionSpec, user_id: UUID, owner: Owner) -> Execution:
    """Store an execution: owned by an engine, or PENDING where a limit says how many may run.

    WorkflowNotFound, WorkflowInWrongState.
    """
    execution, limit = spec.begun(tx.account_id, user_id, tx.now), owner.limit
    if spec.workflow_id is not None:
        family = await definitions.expect_active(tx.connection, workflow_id=spec.workflow_id)
        execution = replace(execution, parent_workflow_id=family.parent_workflow_id)
        limit = limit or family.max_concurrent_executions
    if limit:  # whether it may begin is decided in one place, for all that wait
        pending = replace(execution, state=State.PENDING, start_time=None)
        await store.insert_execution(tx.connection, pending)
        tx.record("created", after=pending)
        return pending
    await store.insert_execution(tx.connection, execution, owner.lease, owner.seconds)
    tx.record("started", after=execution)
    return execution


async def begin_waiting(tx: Transaction, *, limit: int, most: int) -> list[Execution]:
    """Have executions of an account run that wait, as many as its limit and those of its workflows allow."""
    await queue_store.lock_queue(tx.connection, tx.account_id)
    waiting = await queue_store.next_waiting(tx.connection, limit, most)
    now = datetime.now(UTC)  # not the transaction's: it may have waited for those whose end it has seen
    begun = [each.begin(now) for each in waiting]
    await queue_store.begin(tx.connection, begun)
    for before, after in zip(waiting, begun, strict=True):
        tx.record("started", before=before, after=after)
    return begun


async def cancel_execution(tx: Transaction, *, execution_id: UUID, etag: str) -> Execution:
    """End an execution and what is inside it; who owns them writes nothing any more.

    Raises ExecutionNotFound, EtagMismatch, ExecutionEnded.
    """
    current = await store.lock_to_end(tx.connection, execution_id)
    tags.expect(current, etag)
    ended = current.end(tx.now, State.CANCELLED)
    await store.end_execution(tx.connection, ended)
    tx.record("cancelled", before=current, after=ended)
    await cancel_children(tx, execution_id)
    return ended


async def end_owned_execution(
    tx: Transaction, *, execution_id: UUID, epoch: int, state: State, failure: Failure
) -> Execution:
    """End an execution for its owner. ExecutionEnded when it has, or has another owner by now."""
    current = await store.lock_to_end(tx.connection, execution_id)
    if not await store.is_owned(tx.connection, execution_id, epoch):
        raise ExecutionEnded(execution_id, current.state.name)
    ended = current.end(tx.now, state, failure=failure)
    await store.end_execution(tx.connection, ended)
    tx.record(state.name.lower(), before=current, after=ended)
    await cancel_children(tx, execution_id)
    return ended
