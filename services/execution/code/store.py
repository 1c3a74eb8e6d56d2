"""Code that runs, by attempt; and that of steps that are over, in all accounts."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, insert, select

from chassis import tables
from chassis.sql import Connection
from services.execution.code.domain import CodeRun
from services.execution.code.tables import code_runs

if TYPE_CHECKING:
    from chassis.system import Connection as SystemConnection

_OVER = """
SELECT code_runs.*
FROM code_runs JOIN executions USING (execution_id)
LEFT JOIN step_executions AS step
    ON step.execution_id = code_runs.execution_id AND step.path = split_part(code_runs.path, '#', 1)
WHERE executions.end_time IS NOT NULL OR step.end_time IS NOT NULL
    OR step.attempt > code_runs.attempt OR (step.attempt = code_runs.attempt AND step.failure IS NOT NULL)
LIMIT $1
"""


async def insert_run(connection: Connection, run: CodeRun) -> None:
    """Store that code is about to run."""
    await connection.execute(insert(code_runs).values(**tables.row_of(run)))


async def find_run(connection: Connection, execution_id: UUID, path: str, attempt: int) -> CodeRun | None:
    """Return what runs for an attempt of a step."""
    statement = select(code_runs).where(
        code_runs.c.execution_id == execution_id, code_runs.c.path == path, code_runs.c.attempt == attempt
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(CodeRun, row)


async def delete_run(connection: Connection, code_run_id: UUID) -> None:
    """Forget what is cleaned up."""
    await connection.execute(delete(code_runs).where(code_runs.c.code_run_id == code_run_id))


async def runs_over(connection: "SystemConnection", limit: int) -> list[CodeRun]:
    """Return what runs, or has run, for attempts that are over."""
    return [CodeRun(**dict(row)) for row in await connection.fetch(_OVER, limit)]
