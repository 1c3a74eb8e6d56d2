"""Reads of workflows."""

from uuid import UUID

from sqlalchemy import select

from chassis.sql import Connection
from services.execution.definitions import store
from services.execution.definitions.domain import Family, State, Workflow
from services.execution.definitions.errors import WorkflowInWrongState, WorkflowNotFound
from services.execution.definitions.tables import workflows


async def get_workflow(connection: Connection, *, workflow_id: UUID) -> Workflow:
    """Return a version of the account, a deleted one too. WorkflowNotFound."""
    return await store.get_workflow(connection, workflow_id)


async def expect_active(connection: Connection, *, workflow_id: UUID) -> Family:
    """Return the family of a version. WorkflowNotFound, WorkflowInWrongState unless executions may be started from it.

    It stays so until the transaction ends.
    """
    family = (workflows.c.parent_workflow_id, workflows.c.max_concurrent_executions)
    columns = (workflows.c.state, workflows.c.delete_time, *family)
    statement = (
        select(*columns).where(workflows.c.workflow_id == workflow_id).with_for_update(key_share=True, read=True)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None or row.delete_time is not None:
        raise WorkflowNotFound(workflow_id)
    if row.state is not State.ACTIVE:
        raise WorkflowInWrongState(workflow_id, row.state.name, State.ACTIVE.name)
    return Family(row.parent_workflow_id, row.max_concurrent_executions)


async def get_family(connection: Connection, *, parent_workflow_id: UUID) -> Family:
    """Return the family of a workflow, with what its ACTIVE version says, or without one the newest."""
    statement = (
        select(workflows.c.parent_workflow_id, workflows.c.max_concurrent_executions)
        .where(workflows.c.parent_workflow_id == parent_workflow_id)
        .order_by((workflows.c.state == State.ACTIVE).desc(), workflows.c.version_number.desc())
        .limit(1)
    )
    return Family(**(await connection.execute(statement)).mappings().one())


async def expect_family(connection: Connection, *, parent_workflow_id: UUID) -> None:
    """Raise WorkflowNotFound unless this is the first version of a workflow, which may itself be deleted."""
    first = (workflows.c.workflow_id == parent_workflow_id) & (workflows.c.parent_workflow_id == parent_workflow_id)
    if (await connection.execute(select(workflows.c.workflow_id).where(first))).one_or_none() is None:
        raise WorkflowNotFound(parent_workflow_id)


async def find_active(connection: Connection, *, parent_workflow_id: UUID) -> Workflow | None:
    """Return the version of a workflow that executions are started from. It stays so until the transaction ends."""
    active = (workflows.c.parent_workflow_id == parent_workflow_id) & (workflows.c.state == State.ACTIVE)
    statement = select(*store.COLUMNS).where(active).with_for_update(key_share=True, read=True)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else store.workflow_of(row)


async def list_workflows(  # noqa: PLR0913  # filters, each by its own name
    connection: Connection,
    *,
    parent_workflow_id: UUID | None,
    name: str,
    state: State | None,
    show_deleted: bool,
    limit: int,
    after: UUID | None,
) -> list[Workflow]:
    """Return versions of workflows, newest first."""
    statement = select(*store.COLUMNS)
    filters = (
        (workflows.c.parent_workflow_id, parent_workflow_id),
        (workflows.c.name, name or None),
        (workflows.c.state, state),
    )
    for column, value in filters:
        if value is not None:
            statement = statement.where(column == value)
    if not show_deleted:
        statement = statement.where(workflows.c.delete_time.is_(None))
    if after is not None:
        statement = statement.where(workflows.c.workflow_id < after)
    rows = await connection.execute(statement.order_by(workflows.c.workflow_id.desc()).limit(limit))
    return [store.workflow_of(row) for row in rows]
