"""Changes that triggers wait for: those of all accounts, as a consumer sees them, and those of one."""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from chassis import tables
from chassis.sql import Connection
from services.execution.changes.domain import TriggerEvent, Waiting
from services.execution.changes.tables import trigger_events
from services.execution.triggers.domain import EventFilter, Type
from services.execution.triggers.store import config_of

Driver = Any
"""A connection of the driver, which sees all accounts."""

_WAITING = """
SELECT trigger_id, account_id, config, enable_time FROM triggers
WHERE type = 'EVENT' AND state = 'ENABLED' AND account_id = ANY($1)
"""
_ENABLED = "SELECT trigger_id FROM triggers WHERE account_id = $1 AND state = 'ENABLED'"
_DEPLOYED = "SELECT deployment_id FROM deployments WHERE account_id = $1 AND state <> 'STOPPED'"
_LIVE = "SELECT execution_id FROM executions WHERE account_id = $1 AND wake_time IS NOT NULL ORDER BY execution_id"
_NOTE = """
INSERT INTO deleted_teams (account_id, cause_event_id, note_time, reconcile_time) VALUES ($1, $2, now(), now())
ON CONFLICT DO NOTHING
"""
_NOTED = "SELECT cause_event_id, extract(epoch FROM now() - note_time)::float FROM deleted_teams WHERE account_id = $1"
_DEPTHS = "SELECT execution_id, trigger_depth FROM executions WHERE execution_id = ANY($1) AND trigger_depth > 0"
_ADD = """
INSERT INTO trigger_events (trigger_event_id, account_id, trigger_id, key, depth, change, reconcile_time)
SELECT *, now() FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bytea[])
"""


async def note_deleted_team(driver: Driver, account_id: UUID, event_id: UUID) -> None:
    """Note that a team is deleted, by which event."""
    await driver.execute(_NOTE, account_id, event_id)


async def deleted_team(connection: Connection, *, account_id: UUID) -> tuple[str, float]:
    """Return by which event a team was deleted, and how many seconds ago that was noted."""
    event_id, seconds = await connection.driver.fetchrow(_NOTED, account_id)
    return str(event_id), seconds


async def enabled_triggers(connection: Connection, *, account_id: UUID) -> list[UUID]:
    """Return the ids of an account's triggers that start executions."""
    return [row["trigger_id"] for row in await connection.driver.fetch(_ENABLED, account_id)]


async def live_deployments(connection: Connection, *, account_id: UUID) -> list[UUID]:
    """Return the ids of an account's deployments that are not STOPPED."""
    return [row["deployment_id"] for row in await connection.driver.fetch(_DEPLOYED, account_id)]


async def live_executions(connection: Connection, *, account_id: UUID) -> list[UUID]:
    """Return the ids of an account's executions that have not ended."""
    return [row["execution_id"] for row in await connection.driver.fetch(_LIVE, account_id)]


async def waiting(driver: Driver, account_ids: Collection[UUID]) -> list[Waiting]:
    """Return the triggers of accounts that wait for changes."""
    found = []
    for row in await driver.fetch(_WAITING, list(account_ids)):
        config = config_of(Type.EVENT, json.loads(row["config"]))
        if isinstance(config, EventFilter):
            found.append(Waiting(row["trigger_id"], row["account_id"], config, row["enable_time"]))
    return found


async def depths(driver: Driver, execution_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many triggers have led to executions, of those to which some have."""
    rows = await driver.fetch(_DEPTHS, list(execution_ids))
    return {row["execution_id"]: row["trigger_depth"] for row in rows}


async def add(driver: Driver, events: Sequence[TriggerEvent]) -> None:
    """Store changes to be decided about."""
    rows = [(e.trigger_event_id, e.account_id, e.trigger_id, e.key, e.depth, e.change) for e in events]
    await driver.execute(_ADD, *(list(column) for column in zip(*rows, strict=True)))


async def find_trigger_event(connection: Connection, trigger_event_id: UUID) -> TriggerEvent | None:
    """Return a change of the account that is to be decided about; None when it is."""
    columns = (column for column in trigger_events.columns)
    statement = select(*columns).where(trigger_events.c.trigger_event_id == trigger_event_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(TriggerEvent, row)


async def remove(connection: Connection, trigger_event_id: UUID) -> bool:
    """Forget a change that is decided about; whether it was still there."""
    statement = delete(trigger_events).where(trigger_events.c.trigger_event_id == trigger_event_id)
    returned = await connection.execute(statement.returning(trigger_events.c.trigger_event_id))
    return returned.one_or_none() is not None
