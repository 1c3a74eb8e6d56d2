"""Executions that are steps of others: started once for each attempt, and ended with what they are a step of."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import ids
from chassis.database import Transaction
from services.execution.definitions import store as definitions
from services.execution.definitions.domain import State as Version
from services.execution.definitions.errors import WorkflowInWrongState
from services.execution.executions.domain import Execution, ExecutionSpec, State
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import child_store
from services.execution.executions.store import execution_store as store

DEPTH = 16
"""How many executions may be around another."""


class TooDeep(Exception):
    """As many executions as may be inside each other are."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Which attempt of which step of an execution wants what to be run."""

    execution_id: UUID
    path: str
    attempt: int
    workflow_id: UUID
    input: dict[str, Any]
    timeout: timedelta


async def start_child(tx: Transaction, *, spec: ChildSpec) -> Execution:
    """Store an execution as a step, for any engine to claim; or return the one that this attempt has started.

    It runs in the place of its parent, which waits for it, so it counts for no limit.

    Raises:
        ExecutionEnded: the execution it would be a step of.
        TooDeep: there are as many around it as there may be.
        WorkflowNotFound, WorkflowInWrongState: no version of the workflow is ACTIVE.
    """
    parent = await store.lock_execution(tx.connection, spec.execution_id)
    found = await child_store.find_child(tx.connection, parent, spec.path, spec.attempt)
    if found is not None:
        return found
    if parent.end_time is not None:
        raise ExecutionEnded(parent.execution_id, parent.state.name)
    if parent.depth >= DEPTH:
        raise TooDeep
    named = await definitions.get_workflow(tx.connection, spec.workflow_id)
    active = await definitions.find_active(tx.connection, named.parent_workflow_id)
    if active is None:
        raise WorkflowInWrongState(spec.workflow_id, named.state.name, Version.ACTIVE.name)
    wanted = ExecutionSpec(
        execution_id=ids.new(),
        name=active.name,
        workflow_id=active.workflow_id,
        definition=None,
        input=spec.input,
        timeout=spec.timeout,
        trigger_depth=parent.trigger_depth,  # an execution of a step is no way around the bound
    )
    child = replace(
        wanted.begun(tx.account_id, parent.user_id, tx.now),
        parent_workflow_id=active.parent_workflow_id,
        parent_execution_id=parent.execution_id,
        parent_path=spec.path,
        parent_attempt=spec.attempt,
        depth=parent.depth + 1,
    )
    await store.insert_execution(tx.connection, child)
    tx.record("started", after=child)
    return child


async def cancel_children(tx: Transaction, execution_id: UUID) -> None:
    """End what runs as steps of an execution that has ended, and what runs as their steps."""
    for child in await child_store.lock_children(tx.connection, execution_id):
        ended = child.end(tx.now, State.CANCELLED)
        await store.end_execution(tx.connection, ended)
        tx.record("cancelled", before=child, after=ended)
        await cancel_children(tx, child.execution_id)
