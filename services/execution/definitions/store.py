"""Writes of workflows, and reads by id."""

from dataclasses import fields
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.execution.definitions import document
from services.execution.definitions.domain import State, Workflow
from services.execution.definitions.errors import WorkflowNotFound
from services.execution.definitions.tables import workflows

COLUMNS = [workflows.c[field.name] for field in fields(Workflow)]
"""The columns that make a Workflow."""


def workflow_of(row: Row[tuple[object, ...]]) -> Workflow:
    """Return a row as a version of a workflow."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
    values["definition"] = document.from_json(values["definition"])
    return Workflow(**values | {"tags": tuple(values["tags"])})


async def insert_workflow(connection: Connection, workflow: Workflow) -> None:
    """Store a new version."""
    await connection.execute(insert(workflows).values(**_row(workflow)))


async def update_workflow(connection: Connection, workflow: Workflow) -> None:
    """Store a changed version."""
    statement = update(workflows).where(workflows.c.workflow_id == workflow.workflow_id)
    await connection.execute(statement.values(**_row(workflow)))


async def get_workflow(connection: Connection, workflow_id: UUID) -> Workflow:
    """Return a version of the account, a deleted one too. WorkflowNotFound."""
    return await _workflow(connection, select(*COLUMNS).where(workflows.c.workflow_id == workflow_id), workflow_id)


async def lock_workflow(connection: Connection, workflow_id: UUID) -> Workflow:
    """Return a version and hold it and its family until the transaction ends. WorkflowNotFound.

    The family is held by its first version, which is locked before any other.
    """
    found = await get_workflow(connection, workflow_id)
    for held in dict.fromkeys((found.parent_workflow_id, workflow_id)):
        statement = select(*COLUMNS).where(workflows.c.workflow_id == held).with_for_update()
        found = await _workflow(connection, statement, held)
    return found


async def find_active(connection: Connection, parent_workflow_id: UUID) -> Workflow | None:
    """Return the version of a family that executions are started from, and hold it."""
    statement = select(*COLUMNS).where(
        workflows.c.parent_workflow_id == parent_workflow_id, workflows.c.state == State.ACTIVE
    )
    row = (await connection.execute(statement.with_for_update())).one_or_none()
    return None if row is None else workflow_of(row)


async def next_version_number(connection: Connection, parent_workflow_id: UUID) -> int:
    """Return the number of a family's next version; the family is held."""
    newest = func.max(workflows.c.version_number)
    statement = select(newest).where(workflows.c.parent_workflow_id == parent_workflow_id)
    return int((await connection.execute(statement)).scalar_one()) + 1


async def _workflow(connection: Connection, statement: Select[tuple[object, ...]], workflow_id: UUID) -> Workflow:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise WorkflowNotFound(workflow_id)
    return workflow_of(row)


def _row(workflow: Workflow) -> dict[str, object]:
    return tables.row_of(workflow) | {"definition": document.to_json(workflow.definition), "tags": list(workflow.tags)}
