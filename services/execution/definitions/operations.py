"""Changes of workflows that are not those of all versions."""

from uuid import UUID

from chassis.database import Transaction
from services.execution.agents import queries as agents
from services.execution.definitions import queries
from services.execution.definitions.domain import Type, Workflow
from services.execution.definitions.errors import InUse
from services.execution.versions import operations
from services.execution.versions.domain import State
from services.execution.versions.queries import family_ids
from services.execution.versions.store import Family


async def activate_workflow(tx: Transaction, *, family: Family[Workflow], entity_id: UUID, etag: str) -> Workflow:
    """Let executions start from a version, and no other.

    Raises:
        WorkflowNotFound, EtagMismatch, WorkflowInWrongState: of the workflow.
        AgentNotFound, AgentInWrongState: of an agent that one of its steps runs.
    """
    active = await operations.activate_version(tx, family=family, entity_id=entity_id, etag=etag)
    for step in active.definition.steps:
        if step.type is Type.AGENT:
            await agents.expect_usable(tx.connection, agent_id=UUID(step.agent_id))
    return active


async def delete_workflow(tx: Transaction, *, family: Family[Workflow], entity_id: UUID, etag: str) -> Workflow:
    """Delete a version. WorkflowNotFound, EtagMismatch; InUse when another workflow runs it."""
    current = await queries.get_workflow(tx.connection, workflow_id=entity_id)
    if current.state is State.ACTIVE:
        ids = await family_ids(tx.connection, family=family, family_id=current.family_id)
        found = await queries.users_of(tx.connection, type=Type.WORKFLOW, ids=ids)
        if users := [each for each in found if each.family_id != current.family_id]:
            raise InUse(users)
    return await operations.delete_version(tx, family=family, entity_id=entity_id, etag=etag)
