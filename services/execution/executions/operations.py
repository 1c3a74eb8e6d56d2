"""Changes of executions that are not in their plans: somebody starts or cancels them, or their time is up."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.definitions import queries as definitions
from services.execution.definitions.outline import Outline
from services.execution.executions.children import cancel_children, take_turn
from services.execution.executions.domain import Execution, ExecutionSpec, Failure, Owner, State
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.forks import Fork
from services.execution.executions.store import execution_store as store
from services.execution.executions.store import fork_store, queue_store
from services.execution.versions.domain import ACTIVATED
from services.execution.versions.domain import State as Version


async def start_execution(tx: Transaction, *, spec: ExecutionSpec, user_id: UUID, owner: Owner) -> Execution:
    """Store an execution: owned by an engine, or PENDING where a limit says how many may run.

    Raises:
        WorkflowNotFound, WorkflowInWrongState, AgentNotFound, AgentInWrongState: nothing can be started from it.
        AgentBusy: as many executions of the agent run as may.
    """
    execution, limit = spec.begun(tx.account_id, user_id, tx.now), owner.limit
    startable = (Version.ACTIVE,) if spec.deployment_id is None else ACTIVATED
    if spec.agent_id is not None:
        (await take_turn(tx.connection, spec.agent_id)).expect(*startable)
    if spec.workflow_id is not None:
        queue = await definitions.expect_state(tx.connection, workflow_id=spec.workflow_id, states=startable)
        execution = replace(execution, parent_workflow_id=queue.parent_workflow_id)
        limit = limit or queue.max_concurrent_executions
    if limit:
        return await _wait(tx, execution)
    await store.insert_execution(tx.connection, execution, owner.lease, owner.seconds)
    tx.record("started", after=execution)
    return execution


async def start_fork(tx: Transaction, *, fork: Fork, user_id: UUID, limit: int) -> Execution:
    """Store an execution that goes on from another, for any engine to claim, or PENDING as any other.

    ExecutionNotFound, ExecutionNotRetriable, InvalidField, AgentBusy.
    """
    origin = await store.lock_execution(tx.connection, fork.origin_execution_id)
    definition = origin.definition
    if origin.agent_id is not None:
        definition = (await take_turn(tx.connection, origin.agent_id)).definition
    if origin.workflow_id is not None:
        workflow = await definitions.get_workflow(tx.connection, workflow_id=origin.workflow_id)
        queue = await definitions.get_queue(tx.connection, parent_workflow_id=workflow.parent_workflow_id)
        definition, limit = workflow.definition, limit or queue.max_concurrent_executions
    if definition is None:
        msg = "an execution of nothing"
        raise ValueError(msg)
    ended = await fork_store.ended_at_top(tx.connection, origin.execution_id)
    kept = fork.kept(origin, Outline(definition), ended)
    counts = await fork_store.count_steps(tx.connection, origin.execution_id, kept)
    execution = fork.begun(origin, user_id, tx.now, counts)
    if limit:
        execution = await _wait(tx, execution)
    else:
        await store.insert_execution(tx.connection, execution)
        tx.record("started", after=execution)
    await fork_store.copy_steps(tx.connection, execution, kept)
    given = fork.step(Outline(definition), tx.now, execution.sequence)
    if given is not None:
        await fork_store.insert_step(tx.connection, execution, given)
    return execution


async def _wait(tx: Transaction, execution: Execution) -> Execution:
    """Store an execution that does not begin yet: whether it may is decided in one place, for all that wait."""
    pending = replace(execution, state=State.PENDING, start_time=None)
    await store.insert_execution(tx.connection, pending)
    tx.record("created", after=pending)
    return pending


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
