"""Reads of agents that are not those of all versions."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from chassis.sql import Connection
from services.execution.agents.domain import Agent
from services.execution.agents.store import AGENTS
from services.execution.agents.tables import agents
from services.execution.versions import queries
from services.execution.versions.domain import ACTIVATED


async def get_agent(connection: Connection, *, agent_id: UUID) -> Agent:
    """Return a version of the account, a deleted one too. AgentNotFound."""
    return await queries.get_version(connection, family=AGENTS, entity_id=agent_id)


async def parameters_of(connection: Connection, *, agent_ids: Collection[UUID]) -> Mapping[str, Mapping[str, Any]]:
    """Return what agents may be given, by their ids; of deleted ones, and those that are not there, nothing."""
    statement = AGENTS.select().where(agents.c.agent_id.in_(agent_ids), agents.c.delete_time.is_(None))
    found = [AGENTS.read(dict(row)) for row in (await connection.execute(statement)).mappings()]
    return {str(agent.agent_id): agent.parameters for agent in found}


async def expect_usable(connection: Connection, *, agent_id: UUID) -> Agent:
    """Return a version that steps and deployments may name. AgentNotFound, AgentInWrongState.

    It stays so until the transaction ends.
    """
    statement = AGENTS.select().where(agents.c.agent_id == agent_id).with_for_update(key_share=True, read=True)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise Agent.REFUSALS.not_found(agent_id)
    agent = AGENTS.read(dict(row))
    agent.expect(*ACTIVATED)
    return agent


async def lock_to_run(connection: Connection, *, agent_id: UUID) -> Agent:
    """Return a version and hold it, so that nobody else counts or starts executions of it meanwhile. AgentNotFound."""
    statement = AGENTS.select().where(agents.c.agent_id == agent_id).with_for_update(key_share=True)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise Agent.REFUSALS.not_found(agent_id)
    return AGENTS.read(dict(row))
