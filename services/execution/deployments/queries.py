"""Reads of deployments, of what they run, and of what their executions say."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from chassis import tables
from chassis.sql import Connection
from services.execution.agents import queries as agents
from services.execution.definitions import queries as definitions
from services.execution.definitions.domain import Definition, Type
from services.execution.deployments import store
from services.execution.deployments.domain import LOOKED_AT, Deployment, Environment, Numbers, Rollout, State
from services.execution.deployments.tables import deployments, rollouts
from services.execution.executions.domain import State as ExecutionState
from services.execution.executions.tables import executions
from services.execution.versions.domain import ACTIVATED

WINDOW = timedelta(days=1)
"""How far back executions are counted."""

_FAILED = (ExecutionState.FAILED, ExecutionState.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deployments are listed; None for any."""

    parent_workflow_id: UUID | None
    parent_agent_id: UUID | None
    user_id: UUID | None
    state: State | None
    environment: Environment | None
    show_deleted: bool


@dataclass(frozen=True, slots=True)
class Runnable:
    """What an execution of a deployment does, and how long it may take."""

    definition: Definition
    timeout: timedelta


async def get_deployment(connection: Connection, *, deployment_id: UUID) -> Deployment:
    """Return a deployment of the account, a deleted one too. DeploymentNotFound."""
    return await store.get_deployment(connection, deployment_id)


async def list_deployments(
    connection: Connection, *, wanted: Filter, limit: int, after: UUID | None
) -> list[Deployment]:
    """Return deployments of the account, newest first."""
    columns = deployments.c
    statement = select(deployments)
    for column in (
        columns.parent_workflow_id,
        columns.parent_agent_id,
        columns.user_id,
        columns.state,
        columns.environment,
    ):
        value = getattr(wanted, column.name)
        if value is not None:
            statement = statement.where(column == value)
    if not wanted.show_deleted:
        statement = statement.where(columns.delete_time.is_(None))
    if after is not None:
        statement = statement.where(columns.deployment_id < after)
    rows = await connection.execute(statement.order_by(columns.deployment_id.desc()).limit(limit))
    return [tables.to(Deployment, row) for row in rows]


async def list_rollouts(
    connection: Connection, *, deployment_id: UUID, limit: int, before: int | None
) -> list[Rollout]:
    """Return the rollouts of a deployment, the last first. DeploymentNotFound."""
    await store.get_deployment(connection, deployment_id)
    statement = select(rollouts).where(rollouts.c.deployment_id == deployment_id)
    if before is not None:
        statement = statement.where(rollouts.c.number < before)
    rows = await connection.execute(statement.order_by(rollouts.c.number.desc()).limit(limit))
    return [tables.to(Rollout, row) for row in rows]


async def get_runnable(connection: Connection, *, deployment: Deployment) -> Runnable:
    """Return what a deployment runs. The NotFound or WrongState of its version when that cannot run."""
    if deployment.agent_id is not None:
        agent = await agents.get_agent(connection, agent_id=deployment.agent_id)
        agent.expect(*ACTIVATED)
        return Runnable(agent.definition, min(deployment.timeout, agent.max_execution_duration))
    if deployment.workflow_id is None:
        msg = "a deployment of nothing"
        raise ValueError(msg)
    workflow = await definitions.get_workflow(connection, workflow_id=deployment.workflow_id)
    workflow.expect(*ACTIVATED)
    return Runnable(workflow.definition, deployment.timeout)


async def expect_parts(connection: Connection, *, definition: Definition) -> None:
    """Raise AgentNotFound or AgentInWrongState when a step runs an agent that cannot run any more."""
    for step in definition.steps:
        if step.type is Type.AGENT:
            agent = await agents.get_agent(connection, agent_id=UUID(step.agent_id))
            agent.expect_kept()


async def count_running(connection: Connection, *, deployment_id: UUID) -> int:
    """Return how many executions of a deployment have not ended."""
    mine = (executions.c.deployment_id == deployment_id) & executions.c.end_time.is_(None)
    return int((await connection.execute(select(func.count()).where(mine))).scalar_one())


async def newest_outcomes(connection: Connection, *, deployment: Deployment) -> list[bool]:
    """Return whether executions of the rollout in force completed, of the newest that ended by themselves."""
    statement = (
        select(executions.c.state)
        .where(executions.c.deployment_id == deployment.deployment_id)
        .where(executions.c.create_time >= deployment.deploy_time)
        .where(executions.c.state.in_((ExecutionState.COMPLETED, *_FAILED)))
        .order_by(executions.c.execution_id.desc())
        .limit(LOOKED_AT)
    )
    return [state is ExecutionState.COMPLETED for state in (await connection.execute(statement)).scalars()]


async def numbers_of(connection: Connection, *, deployment_ids: Collection[UUID]) -> Mapping[UUID, Numbers]:
    """Return what executions of the last day say, by deployment; of one that had none, nothing."""
    completed = executions.c.state == ExecutionState.COMPLETED
    took = executions.c.end_time - executions.c.create_time
    statement = (
        select(
            executions.c.deployment_id,
            func.count().label("request_count"),
            func.count().filter(executions.c.state.in_(_FAILED)).label("error_count"),
            func.count().filter(completed).label("completed_count"),
            func.avg(took).filter(completed).label("mean_duration"),
        )
        .where(executions.c.deployment_id.in_(deployment_ids))
        .where(executions.c.create_time > datetime.now(UTC) - WINDOW)
        .group_by(executions.c.deployment_id)
    )
    rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
    return {row.pop("deployment_id"): Numbers(**row) for row in rows}
