"""Workflows as rows, and back."""

from typing import Any
from uuid import UUID

from chassis import tables
from chassis.sql import Connection
from services.execution.definitions import document
from services.execution.definitions.domain import Workflow
from services.execution.definitions.tables import workflows
from services.execution.versions import store
from services.execution.versions.store import Family


def _read(values: dict[str, Any]) -> Workflow:
    definition = document.from_json(values.pop("definition"))
    return Workflow(**values | {"definition": definition, "tags": tuple(values["tags"])})


def _write(workflow: Workflow) -> dict[str, Any]:
    return tables.row_of(workflow) | {"definition": document.to_json(workflow.definition), "tags": list(workflow.tags)}


WORKFLOWS = Family(Workflow, workflows, _read, _write)
"""Versions of workflows."""


async def get_workflow(connection: Connection, workflow_id: UUID) -> Workflow:
    """Return a version of the account, a deleted one too. WorkflowNotFound."""
    return await store.get_version(connection, WORKFLOWS, workflow_id)


async def find_active(connection: Connection, parent_workflow_id: UUID) -> Workflow | None:
    """Return the version of a family that executions are started from, and hold it."""
    return await store.find_active(connection, WORKFLOWS, parent_workflow_id)
