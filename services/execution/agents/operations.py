"""Changes of agents that are not those of all versions."""

from uuid import UUID

from chassis.database import Transaction
from services.execution.agents.domain import Agent
from services.execution.definitions import queries as definitions
from services.execution.definitions.domain import Type
from services.execution.definitions.errors import InUse
from services.execution.versions import operations, store
from services.execution.versions.store import Family


async def delete_agent(tx: Transaction, *, family: Family[Agent], entity_id: UUID, etag: str) -> Agent:
    """Delete a version. AgentNotFound, EtagMismatch; InUse when a workflow runs it."""
    held = await store.lock_version(tx.connection, family, entity_id)
    if users := await definitions.users_of(tx.connection, type=Type.AGENT, ids=(held.agent_id,)):
        raise InUse(users)
    return await operations.delete_version(tx, family=family, entity_id=entity_id, etag=etag)
