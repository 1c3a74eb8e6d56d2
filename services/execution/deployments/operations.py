"""Changes of deployments, and executions that they start."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from chassis.errors import DomainError, TransactionConflict
from services.execution.agents import queries as agents
from services.execution.definitions import queries as definitions
from services.execution.deployments import queries, store
from services.execution.deployments.domain import LIMIT, Deployment, Finding, Rollout, State, Target, health_of
from services.execution.deployments.errors import (
    DeploymentBusy,
    DeploymentLimitReached,
    NoPreviousRollout,
    NotOfThisDeployment,
)
from services.execution.executions.domain import Execution, ExecutionSpec, Owner
from services.execution.executions.operations import start_execution
from services.execution.versions.domain import ACTIVATED


async def create_deployment(tx: Transaction, *, deployment: Deployment) -> Deployment:
    """Make a deployment of a version. Its NotFound or WrongState; DeploymentLimitReached."""
    if await store.count_deployments(tx.connection, tx.account_id) >= LIMIT:
        raise DeploymentLimitReached(LIMIT)
    target = await _usable(tx, deployment.workflow_id, deployment.agent_id)
    made = replace(deployment, parent_workflow_id=target.parent_workflow_id, parent_agent_id=target.parent_agent_id)
    await store.insert_deployment(tx.connection, made)
    await store.insert_rollout(tx.connection, _rollout(tx, made))
    tx.record("created", after=made)
    return made


async def update_deployment(
    tx: Transaction, *, deployment_id: UUID, values: Mapping[str, Any], etag: str
) -> Deployment:
    """Give a deployment other values. DeploymentNotFound, EtagRequired, EtagMismatch."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.demand(current, etag)
    return await _change(tx, "updated", current, current.update(tx.now, values))


async def start_deployment(tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
    """Let a deployment take invocations, for who says so. DeploymentNotFound, EtagMismatch; as for creating one."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    await _usable(tx, current.workflow_id, current.agent_id)
    return await _change(tx, "started", current, current.start(tx.now, UUID(tx.actor.subject)))


async def stop_deployment(tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
    """Let a deployment take no invocations. DeploymentNotFound, EtagMismatch."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    return await _change(tx, "stopped", current, current.stop(tx.now))


async def maintain_deployment(tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
    """Let a deployment take no invocations for a while. DeploymentNotFound, EtagMismatch."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    return await _change(tx, "maintained", current, current.maintain(tx.now))


async def delete_deployment(tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
    """Delete a deployment. DeploymentNotFound, EtagMismatch."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    return await _change(tx, "deleted", current, current.delete(tx.now, UUID(tx.actor.subject)))


async def renew_key(
    tx: Transaction, *, deployment_id: UUID, key_sha256: bytes, key_prefix: str, etag: str
) -> Deployment:
    """Give a deployment another key. DeploymentNotFound, EtagMismatch."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    return await _change(tx, "key_renewed", current, current.renew_key(tx.now, key_sha256, key_prefix))


async def deploy_version(tx: Transaction, *, deployment_id: UUID, version_id: UUID, etag: str) -> Deployment:
    """Put a version in force. DeploymentNotFound, EtagMismatch, NotOfThisDeployment; as for creating one."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    if current.workflow_id is not None:
        target = await _usable(tx, version_id, None)
    else:
        target = await _usable(tx, None, version_id)
    if (target.parent_workflow_id, target.parent_agent_id) != current.family:
        raise NotOfThisDeployment(version_id)
    if target == current.target:
        return current
    rolled = current.roll(tx.now, target)
    await store.insert_rollout(tx.connection, _rollout(tx, rolled, previous_number=current.rollout_number))
    return await _change(tx, "deployed", current, rolled)


async def roll_back(tx: Transaction, *, deployment_id: UUID, etag: str) -> Deployment:
    """Put the version before the present one in force. DeploymentNotFound, EtagMismatch, NoPreviousRollout."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    tags.expect(current, etag)
    present = await store.get_rollout(tx.connection, deployment_id, current.rollout_number)
    if not present.previous_number:
        raise NoPreviousRollout(deployment_id)
    previous = await store.get_rollout(tx.connection, deployment_id, present.previous_number)
    rolled = current.roll(tx.now, await _usable(tx, previous.workflow_id, previous.agent_id))
    rollout = _rollout(tx, rolled, rolled_back_to=previous.number, previous_number=previous.previous_number)
    await store.insert_rollout(tx.connection, rollout)
    return await _change(tx, "rolled_back", current, rolled)


async def invoke(
    tx: Transaction, *, deployment: Deployment, key_sha256: bytes | None, spec: ExecutionSpec, owner: Owner
) -> Execution:
    """Start an execution of a deployment as it was read.

    Raises:
        DeploymentNotFound, DeploymentKeyRefused, DeploymentStopped, DeploymentInMaintenance: it takes no invocation.
        DeploymentBusy: as many executions run as may.
        TransactionConflict: another version came into force since it was read.
    """
    if deployment.max_concurrent_executions:
        held = await store.lock_deployment(tx.connection, deployment.deployment_id)
    else:
        held = await store.share_deployment(tx.connection, deployment.deployment_id)
    held.expect_key(key_sha256)
    held.expect_running()
    if held.target != deployment.target:
        raise TransactionConflict
    limit = held.max_concurrent_executions
    if limit and await queries.count_running(tx.connection, deployment_id=held.deployment_id) >= limit:
        raise DeploymentBusy(held.deployment_id, limit)
    return await start_execution(tx, spec=spec, user_id=held.user_id, owner=owner)


async def check_health(tx: Transaction, *, deployment_id: UUID) -> Deployment:
    """Look at a deployment that is not STOPPED. DeploymentNotFound."""
    current = await store.lock_deployment(tx.connection, deployment_id)
    if current.state is State.STOPPED:
        return current
    checked = current.check(tx.now, await _found(tx, current))
    await store.update_deployment(tx.connection, checked)
    if checked.version != current.version:
        tx.record("health_changed", before=current, after=checked)
    return checked


async def _found(tx: Transaction, deployment: Deployment) -> Finding:
    unable = ""
    try:
        runnable = await queries.get_runnable(tx.connection, deployment=deployment)
        await queries.expect_parts(tx.connection, definition=runnable.definition)
    except DomainError as exc:
        unable = exc.message
    return health_of(unable, await queries.newest_outcomes(tx.connection, deployment=deployment))


async def _usable(tx: Transaction, workflow_id: UUID | None, agent_id: UUID | None) -> Target:
    """Return a version that a deployment may run. It stays so until the transaction ends. Its NotFound, WrongState."""
    if workflow_id is not None:
        queue = await definitions.expect_state(tx.connection, workflow_id=workflow_id, states=ACTIVATED)
        return Target(workflow_id=workflow_id, parent_workflow_id=queue.parent_workflow_id)
    if agent_id is None:
        msg = "a deployment of nothing"
        raise ValueError(msg)
    agent = await agents.expect_usable(tx.connection, agent_id=agent_id)
    return Target(agent_id=agent_id, parent_agent_id=agent.parent_agent_id)


def _rollout(tx: Transaction, rolled: Deployment, *, rolled_back_to: int = 0, previous_number: int = 0) -> Rollout:
    return Rollout(
        deployment_id=rolled.deployment_id,
        number=rolled.rollout_number,
        account_id=rolled.account_id,
        workflow_id=rolled.workflow_id,
        agent_id=rolled.agent_id,
        rolled_back_to=rolled_back_to,
        previous_number=previous_number,
        user_id=UUID(tx.actor.subject),
        deploy_time=rolled.deploy_time,
    )


async def _change(tx: Transaction, type: str, before: Deployment, after: Deployment) -> Deployment:  # noqa: A002  # the event's own word
    if after is before:
        return before
    await store.update_deployment(tx.connection, after)
    tx.record(type, before=before, after=after)
    return after
