"""Reads of what answers of models took, summed whenever somebody asks, so that sums cannot drift."""

from uuid import UUID

from sqlalchemy import func, select

from chassis import tables
from chassis.sql import Connection
from services.execution.executions import queries as executions
from services.execution.usage.domain import ModelUse, Total
from services.execution.usage.tables import model_uses

_LARGEST = 2**63 - 1  # that a message can hold: an endpoint may say of an answer that it took as much

SUMS = (
    func.count().label("uses"),
    *(
        func.least(func.coalesce(func.sum(model_uses.c[name]), 0), _LARGEST).label(name)
        for name in ("input_tokens", "output_tokens", "cost_micros")
    ),
)
"""The columns that make a Total."""


async def list_uses(
    connection: Connection, *, execution_id: UUID, limit: int, after: UUID | None
) -> tuple[list[ModelUse], Total]:
    """Return the uses of an execution, oldest first, and what all of them took. ExecutionNotFound."""
    await executions.get_execution(connection, execution_id=execution_id)
    of_execution = model_uses.c.execution_id == execution_id
    statement = select(model_uses).where(of_execution)
    if after is not None:
        statement = statement.where(model_uses.c.model_use_id > after)
    rows = await connection.execute(statement.order_by(model_uses.c.model_use_id).limit(limit))
    total = select(*SUMS).where(of_execution)
    return [tables.to(ModelUse, row) for row in rows], tables.to(Total, (await connection.execute(total)).one())
