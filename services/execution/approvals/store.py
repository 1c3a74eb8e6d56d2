"""Answers, and the steps that wait for one."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from chassis import tables
from chassis.sql import Connection
from services.execution.approvals.domain import Approval
from services.execution.approvals.errors import ApprovalNotFound
from services.execution.approvals.tables import approvals
from services.execution.definitions.domain import Type
from services.execution.executions.domain import StepState
from services.execution.executions.tables import step_executions

ASKING = select(
    step_executions.c.account_id,
    step_executions.c.execution_id,
    step_executions.c.path,
    step_executions.c.progress,
    step_executions.c.start_time,
    step_executions.c.wake_time,
).where(step_executions.c.type == Type.APPROVAL, step_executions.c.state == StepState.WAITING)
"""The steps that wait for an answer."""


async def insert_answer(connection: Connection, approval: Approval) -> None:
    """Store an answer."""
    values = tables.row_of(approval)
    del values["inputs"]
    await connection.execute(insert(approvals).values(**values))


async def get_answer(connection: Connection, approval_id: UUID) -> Approval:
    """Return an answer by its id. KeyError when there is none."""
    row = (await connection.execute(select(approvals).where(approvals.c.approval_id == approval_id))).one_or_none()
    if row is None:
        raise KeyError(approval_id)
    return tables.to(Approval, row)


async def find_answer(connection: Connection, execution_id: UUID, path: str) -> Approval | None:
    """Return the answer that a step was given."""
    statement = select(approvals).where(approvals.c.execution_id == execution_id, approvals.c.path == path)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(Approval, row)


async def get_asked(connection: Connection, execution_id: UUID, path: str) -> Approval:
    """Return what a step asks. ApprovalNotFound when it asks nothing, or nothing any more."""
    statement = ASKING.where(step_executions.c.execution_id == execution_id, step_executions.c.path == path)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise ApprovalNotFound(execution_id, path)
    return asked_of(dict(row))


def asked_of(row: Mapping[str, Any]) -> Approval:
    """Return a step that waits as what it asks."""
    return Approval(
        execution_id=row["execution_id"],
        account_id=row["account_id"],
        path=row["path"],
        message=row["progress"]["message"],
        request_time=row["start_time"],
        expire_time=row["wake_time"],
        inputs=row["progress"]["inputs"],
    )
