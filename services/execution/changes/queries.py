"""Reads of changes that are to be decided about."""

from uuid import UUID

from chassis.sql import Connection
from services.execution.changes import store
from services.execution.changes.domain import TriggerEvent


async def find_trigger_event(connection: Connection, *, trigger_event_id: UUID) -> TriggerEvent | None:
    """Return a change of the account that is to be decided about; None when it is."""
    return await store.find_trigger_event(connection, trigger_event_id)
