"""Reads of deliveries."""

from uuid import UUID

from sqlalchemy import literal, select

from chassis import tables
from chassis.sql import Connection
from services.execution.triggers import queries as triggers
from services.execution.webhooks import store
from services.execution.webhooks.domain import Delivery
from services.execution.webhooks.tables import deliveries

_WITHOUT_BODY = [literal(b"").label("body") if column.name == "body" else column for column in deliveries.columns]


async def get_delivery(connection: Connection, *, delivery_id: UUID) -> Delivery:
    """Return a delivery of the account with its body. DeliveryNotFound."""
    return await store.get_delivery(connection, delivery_id)


async def list_deliveries(
    connection: Connection, *, trigger_id: UUID, limit: int, after: UUID | None
) -> list[Delivery]:
    """Return deliveries for a trigger without their bodies, newest first. TriggerNotFound."""
    await triggers.get_trigger(connection, trigger_id=trigger_id)
    statement = select(*_WITHOUT_BODY).where(deliveries.c.trigger_id == trigger_id)
    if after is not None:
        statement = statement.where(deliveries.c.delivery_id < after)
    rows = await connection.execute(statement.order_by(deliveries.c.delivery_id.desc()).limit(limit))
    return [tables.to(Delivery, row) for row in rows]
