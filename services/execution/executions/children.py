"""Executions that are steps of others: started once for each attempt, and ended with what they are a step of."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import ids
from chassis.database import Transaction
from chassis.sql import Connection
from services.execution.agents import queries as agents
from services.execution.agents.domain import Agent
from services.execution.agents.errors import AgentBusy
from services.execution.definitions import store as definitions
from services.execution.definitions.domain import Workflow
from services.execution.definitions.errors import WorkflowInWrongState
from services.execution.executions import queries
from services.execution.executions.domain import Execution, ExecutionSpec, State
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import child_store
from services.execution.executions.store import execution_store as store
from services.execution.versions.domain import State as Version

DEPTH = 16
"""How many executions may be around another."""


class TooDeep(Exception):
    """As many executions as may be inside each other are."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Which attempt of which step of an execution wants what to be run: a workflow, or an agent."""

    execution_id: UUID
    path: str
    attempt: int
    input: dict[str, Any]
    timeout: timedelta
    workflow_id: UUID | None = None
    agent_id: UUID | None = None


async def start_child(tx: Transaction, *, spec: ChildSpec) -> Execution:
    """Store an execution as a step, for any engine to claim; or return the one that this attempt has started.

    It runs in the place of its parent, which waits for it, so it counts for no limit.

    Raises:
        ExecutionEnded: the execution it would be a step of.
        TooDeep: there are as many around it as there may be.
        WorkflowNotFound, WorkflowInWrongState: no version of the workflow is ACTIVE.
        AgentBusy: as many executions of the agent run as may.
    """
    parent = await store.lock_execution(tx.connection, spec.execution_id)
    found = await child_store.find_child(tx.connection, parent, spec.path, spec.attempt)
    if found is not None:
        return found
    if parent.end_time is not None:
        raise ExecutionEnded(parent.execution_id, parent.state.name)
    if parent.depth >= DEPTH:
        raise TooDeep
    target = await _target(tx, spec)
    wanted = ExecutionSpec(
        execution_id=ids.new(),
        name=target.name,
        workflow_id=target.workflow_id if isinstance(target, Workflow) else None,
        agent_id=spec.agent_id,
        definition=None,
        input=spec.input,
        timeout=spec.timeout,
        trigger_depth=parent.trigger_depth,  # an execution of a step is no way around the bound
    )
    child = replace(
        wanted.begun(tx.account_id, parent.user_id, tx.now),
        parent_workflow_id=target.parent_workflow_id if isinstance(target, Workflow) else None,
        parent_execution_id=parent.execution_id,
        parent_path=spec.path,
        parent_attempt=spec.attempt,
        depth=parent.depth + 1,
    )
    await store.insert_execution(tx.connection, child)
    tx.record("started", after=child)
    return child


async def take_turn(connection: Connection, agent_id: UUID) -> Agent:
    """Return a version of an agent of which one more execution may run; nobody else starts one meanwhile.

    Raises AgentNotFound, AgentBusy.
    """
    agent = await agents.lock_to_run(connection, agent_id=agent_id)
    if await queries.count_running(connection, agent_id=agent_id) >= agent.max_concurrent_executions:
        raise AgentBusy(agent_id, agent.max_concurrent_executions)
    return agent


async def _target(tx: Transaction, spec: ChildSpec) -> Agent | Workflow:
    if spec.agent_id is not None:
        return await take_turn(tx.connection, spec.agent_id)
    if spec.workflow_id is None:
        msg = "a step that runs nothing"
        raise ValueError(msg)
    named = await definitions.get_workflow(tx.connection, spec.workflow_id)
    active = await definitions.find_active(tx.connection, named.parent_workflow_id)
    if active is None:
        raise WorkflowInWrongState(spec.workflow_id, named.state.name, Version.ACTIVE.name)
    return active


async def cancel_children(tx: Transaction, execution_id: UUID) -> None:
    """End what runs as steps of an execution that has ended, and what runs as their steps."""
    for child in await child_store.lock_children(tx.connection, execution_id):
        ended = child.end(tx.now, State.CANCELLED)
        await store.end_execution(tx.connection, ended)
        tx.record("cancelled", before=child, after=ended)
        await cancel_children(tx, child.execution_id)
