"""Writes of deployments, and reads of one."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.execution.deployments.domain import Deployment, Rollout
from services.execution.deployments.errors import DeploymentNotFound
from services.execution.deployments.tables import deployments, rollouts

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('deployments of ' || :account_id, 0))")


async def count_deployments(connection: Connection, account_id: UUID) -> int:
    """Return how many the account has; nobody else makes one until the transaction ends."""
    await connection.execute(_LOCK, {"account_id": str(account_id)})
    statement = select(func.count()).select_from(deployments).where(deployments.c.delete_time.is_(None))
    return int((await connection.execute(statement)).scalar_one())


async def insert_deployment(connection: Connection, deployment: Deployment) -> None:
    """Store a new deployment."""
    await connection.execute(insert(deployments).values(**tables.row_of(deployment)))


async def update_deployment(connection: Connection, deployment: Deployment) -> None:
    """Store a deployment as it is now."""
    statement = update(deployments).where(deployments.c.deployment_id == deployment.deployment_id)
    await connection.execute(statement.values(**tables.row_of(deployment)))


async def get_deployment(connection: Connection, deployment_id: UUID) -> Deployment:
    """Return a deployment of the account, a deleted one too. DeploymentNotFound."""
    return await _deployment(connection, _one(deployment_id), deployment_id)


async def lock_deployment(connection: Connection, deployment_id: UUID) -> Deployment:
    """Return a deployment and hold its row until the transaction ends; executions may refer to it.

    Raises DeploymentNotFound, also for one that is deleted.
    """
    held = await _deployment(connection, _one(deployment_id).with_for_update(key_share=True), deployment_id)
    held.expect_kept()
    return held


async def share_deployment(connection: Connection, deployment_id: UUID) -> Deployment:
    """Return a deployment that nobody changes until the transaction ends. DeploymentNotFound."""
    return await _deployment(connection, _one(deployment_id).with_for_update(read=True), deployment_id)


async def insert_rollout(connection: Connection, rollout: Rollout) -> None:
    """Store which version came into force."""
    await connection.execute(insert(rollouts).values(**tables.row_of(rollout)))


async def get_rollout(connection: Connection, deployment_id: UUID, number: int) -> Rollout:
    """Return a rollout that there is."""
    statement = select(rollouts).where(rollouts.c.deployment_id == deployment_id, rollouts.c.number == number)
    return tables.to(Rollout, (await connection.execute(statement)).one())


def _one(deployment_id: UUID) -> Select[Any]:
    return select(deployments).where(deployments.c.deployment_id == deployment_id)


async def _deployment(connection: Connection, statement: Select[Any], deployment_id: UUID) -> Deployment:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise DeploymentNotFound(deployment_id)
    return tables.to(Deployment, row)
