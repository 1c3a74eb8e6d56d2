"""Writes of deliveries, and reads by id."""

from uuid import UUID

from sqlalchemy import Select, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.execution.webhooks.domain import Delivery
from services.execution.webhooks.errors import DeliveryNotFound
from services.execution.webhooks.tables import deliveries


async def insert_delivery(connection: Connection, delivery: Delivery) -> None:
    """Store what was delivered."""
    await connection.execute(insert(deliveries).values(**tables.row_of(delivery) | {"headers": dict(delivery.headers)}))


async def count_redelivery(connection: Connection, delivery: Delivery) -> None:
    """Store how often a delivery was decided about once more."""
    statement = update(deliveries).where(deliveries.c.delivery_id == delivery.delivery_id)
    await connection.execute(statement.values(redelivery_count=delivery.redelivery_count))


async def find_delivery(connection: Connection, trigger_id: UUID, key: str) -> UUID | None:
    """Return the delivery of a trigger that its sender calls so; None when it has not come, or is forgotten."""
    named = (deliveries.c.trigger_id == trigger_id) & (deliveries.c.key == key)
    found: UUID | None = (await connection.execute(select(deliveries.c.delivery_id).where(named))).scalar_one_or_none()
    return found


async def get_delivery(connection: Connection, delivery_id: UUID) -> Delivery:
    """Return a delivery of the account. DeliveryNotFound."""
    return await _delivery(connection, _by_id(delivery_id), delivery_id)


async def lock_delivery(connection: Connection, delivery_id: UUID) -> Delivery:
    """Return a delivery and hold its row until the transaction ends. DeliveryNotFound."""
    return await _delivery(connection, _by_id(delivery_id).with_for_update(), delivery_id)


def _by_id(delivery_id: UUID) -> Select[tuple[object, ...]]:
    return select(deliveries).where(deliveries.c.delivery_id == delivery_id)


async def _delivery(connection: Connection, statement: Select[tuple[object, ...]], delivery_id: UUID) -> Delivery:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise DeliveryNotFound(delivery_id)
    return tables.to(Delivery, row)
