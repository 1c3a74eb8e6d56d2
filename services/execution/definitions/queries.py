"""Reads of workflows that are not those of all versions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, or_, select

from chassis.sql import Connection
from services.execution.definitions.domain import Queue, Type, Workflow
from services.execution.definitions.errors import WorkflowInWrongState, WorkflowNotFound
from services.execution.definitions.store import WORKFLOWS
from services.execution.definitions.tables import workflows
from services.execution.triggers.domain import State as TriggerState
from services.execution.triggers.domain import Type as TriggerType
from services.execution.triggers.tables import triggers
from services.execution.versions import queries
from services.execution.versions.domain import State
from services.execution.versions.queries import Filter


async def get_workflow(connection: Connection, *, workflow_id: UUID) -> Workflow:
    """Return a version of the account, a deleted one too. WorkflowNotFound."""
    return await queries.get_version(connection, family=WORKFLOWS, entity_id=workflow_id)


async def expect_state(connection: Connection, *, workflow_id: UUID, states: Sequence[State]) -> Queue:
    """Return the queue of a version. WorkflowNotFound, WorkflowInWrongState unless it is in one of the states.

    It stays so until the transaction ends.
    """
    queue = (workflows.c.parent_workflow_id, workflows.c.max_concurrent_executions)
    columns = (workflows.c.state, workflows.c.delete_time, *queue)
    statement = (
        select(*columns).where(workflows.c.workflow_id == workflow_id).with_for_update(key_share=True, read=True)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None or row.delete_time is not None:
        raise WorkflowNotFound(workflow_id)
    if row.state not in states:
        raise WorkflowInWrongState(workflow_id, row.state.name, " or ".join(state.name for state in states))
    return Queue(row.parent_workflow_id, row.max_concurrent_executions)


async def get_queue(connection: Connection, *, parent_workflow_id: UUID) -> Queue:
    """Return the queue of a workflow, with what its ACTIVE version says, or without one the newest."""
    statement = (
        select(workflows.c.parent_workflow_id, workflows.c.max_concurrent_executions)
        .where(workflows.c.parent_workflow_id == parent_workflow_id)
        .order_by((workflows.c.state == State.ACTIVE).desc(), workflows.c.version_number.desc())
        .limit(1)
    )
    return Queue(**(await connection.execute(statement)).mappings().one())


async def expect_family(connection: Connection, *, parent_workflow_id: UUID) -> None:
    """Raise WorkflowNotFound unless this is the first version of a workflow, which may itself be deleted."""
    await queries.expect_family(connection, family=WORKFLOWS, family_id=parent_workflow_id)


async def find_active(connection: Connection, *, parent_workflow_id: UUID) -> Workflow | None:
    """Return the version of a workflow that executions are started from. It stays so until the transaction ends."""
    return await queries.find_active(connection, family=WORKFLOWS, family_id=parent_workflow_id)


async def users_of(connection: Connection, *, type: Type, ids: tuple[UUID, ...]) -> list[Workflow]:  # noqa: A002  # the field's own word
    """Return the ACTIVE workflows with a step of a type that names one of these versions."""
    name = f"{type.name.lower()}_id"
    named = [workflows.c.definition.contains({"steps": [{"type": type.name, name: str(each)}]}) for each in ids]
    statement = WORKFLOWS.select().where(workflows.c.state == State.ACTIVE, or_(*named))
    return [WORKFLOWS.read(dict(row)) for row in (await connection.execute(statement)).mappings()]


async def list_workflows(
    connection: Connection, *, wanted: Filter, is_scheduled: bool, limit: int, after: UUID | None
) -> list[Workflow]:
    """Return versions of workflows, newest first; with `is_scheduled` only those that an enabled schedule starts."""
    scheduled = exists().where(
        triggers.c.parent_workflow_id == workflows.c.parent_workflow_id,
        triggers.c.type == TriggerType.SCHEDULED,
        triggers.c.state == TriggerState.ENABLED,
    )
    also = scheduled if is_scheduled else None
    return await queries.list_versions(connection, family=WORKFLOWS, wanted=wanted, limit=limit, after=after, also=also)
