"""Changes of executions that are not in their plans: somebody starts or cancels them, or their time is up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.definitions import queries as definitions
from services.execution.definitions.domain import Definition
from services.execution.executions.children import cancel_children, take_turn
from services.execution.executions.domain import Execution, Failure, Lease, State
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import execution_store as store
from services.execution.versions.domain import State as Version


@dataclass(frozen=True, slots=True)
class ExecutionSpec:
    """What somebody wants to run, and under which id: a workflow, an agent, or a definition of its own."""

    execution_id: UUID
    name: str
    workflow_id: UUID | None
    definition: Definition | None
    input: dict[str, Any]
    timeout: timedelta
    trigger_id: UUID | None = None
    trigger_depth: int = 0
    agent_id: UUID | None = None


async def start_execution(
    tx: Transaction, *, spec: ExecutionSpec, user_id: UUID, lease: Lease, seconds: float
) -> Execution:
    """Store an execution, owned by an engine for so many seconds.

    Raises:
        WorkflowNotFound, WorkflowInWrongState, AgentNotFound, AgentInWrongState: nothing can be started from it.
        AgentBusy: as many executions of the agent run as may.
    """
    if spec.workflow_id is not None:
        await definitions.expect_active(tx.connection, workflow_id=spec.workflow_id)
    if spec.agent_id is not None:
        (await take_turn(tx.connection, spec.agent_id)).expect(Version.ACTIVE)
    execution = Execution(
        execution_id=spec.execution_id,
        account_id=tx.account_id,
        user_id=user_id,
        name=spec.name,
        workflow_id=spec.workflow_id,
        definition=spec.definition,
        input=spec.input,
        timeout=spec.timeout,
        state=State.RUNNING,
        output=None,
        failure=None,
        steps_completed=0,
        steps_failed=0,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
        start_time=tx.now,
        end_time=None,
        sequence=0,
        trigger_id=spec.trigger_id,
        trigger_depth=spec.trigger_depth,
        agent_id=spec.agent_id,
    )
    await store.insert_execution(tx.connection, execution, lease, seconds)
    tx.record("started", after=execution)
    return execution


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
