"""Writes of triggers and of what they decided, and reads by id."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.execution.triggers.domain import Config, EventFilter, Occurrence, Scheme, Trigger, Type, Webhook
from services.execution.triggers.errors import TriggerNotFound
from services.execution.triggers.schedule import MisfireRule, Schedule
from services.execution.triggers.tables import occurrences, triggers

COLUMNS = [*(triggers.c[field.name] for field in fields(Trigger)), triggers.c.type]
"""The columns that make a Trigger, and say what its configuration is."""

_INSERT = insert(occurrences)


def trigger_of(row: RowMapping) -> Trigger:
    """Return a row as a trigger."""
    values = dict(row)
    return Trigger(**values | {"config": config_of(values.pop("type"), values["config"])})


async def count_triggers(connection: Connection, account_id: UUID) -> int:
    """Return how many triggers the account has; rivals that count wait until this transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('triggers ' || :account_id, 0))")
    await connection.execute(lock, {"account_id": str(account_id)})
    kept = (triggers.c.account_id == account_id) & triggers.c.delete_time.is_(None)
    return int((await connection.execute(select(func.count()).where(kept))).scalar_one())


async def insert_trigger(connection: Connection, trigger: Trigger) -> None:
    """Store a new trigger."""
    await connection.execute(insert(triggers).values(**_row(trigger)))


async def update_trigger(connection: Connection, trigger: Trigger) -> None:
    """Store a changed trigger."""
    statement = update(triggers).where(triggers.c.trigger_id == trigger.trigger_id)
    await connection.execute(statement.values(**_row(trigger)))


async def insert_occurrences(connection: Connection, decided: Iterable[Occurrence]) -> None:
    """Store what was decided. Nothing is decided twice: a UniqueViolationError of the database otherwise."""
    for each in decided:
        await connection.execute(_INSERT, tables.row_of(each))


async def known_keys(connection: Connection, trigger_id: UUID, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that are decided about; nobody else decides while the trigger's row is held."""
    mine = (occurrences.c.trigger_id == trigger_id) & occurrences.c.key.in_(keys)
    return set((await connection.execute(select(occurrences.c.key).where(mine))).scalars())


async def find_occurrence(connection: Connection, trigger_id: UUID, key: str) -> Occurrence | None:
    """Return what a trigger has decided about something, None when that is new to it."""
    statement = select(occurrences).where(occurrences.c.trigger_id == trigger_id, occurrences.c.key == key)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(Occurrence, row)


async def pass_on(connection: Connection, trigger_id: UUID, next_time: datetime | None) -> None:
    """Note the next time of a trigger's schedule, which is no change of the trigger."""
    statement = update(triggers).where(triggers.c.trigger_id == trigger_id)
    await connection.execute(statement.values(next_time=next_time))


async def get_trigger(connection: Connection, trigger_id: UUID) -> Trigger:
    """Return a trigger of the account, a deleted one too. TriggerNotFound."""
    return await _trigger(connection, select(*COLUMNS).where(triggers.c.trigger_id == trigger_id), trigger_id)


async def lock_trigger(connection: Connection, trigger_id: UUID) -> Trigger:
    """Return a trigger and hold its row until the transaction ends; others may refer to it. TriggerNotFound."""
    statement = select(*COLUMNS).where(triggers.c.trigger_id == trigger_id).with_for_update(key_share=True)
    return await _trigger(connection, statement, trigger_id)


async def _trigger(connection: Connection, statement: Select[tuple[object, ...]], trigger_id: UUID) -> Trigger:
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise TriggerNotFound(trigger_id)
    return trigger_of(row)


def _row(trigger: Trigger) -> dict[str, Any]:
    config = {name: _plain(value) for name, value in asdict(trigger.config).items()}
    return tables.row_of(trigger) | {"type": trigger.type, "inputs": dict(trigger.inputs), "config": config}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    return str(value) if isinstance(value, UUID) else value


def config_of(type: Type, document: dict[str, Any]) -> Config:  # noqa: A002  # the column's own word
    """Return what a trigger waits for, as it was stored."""
    match type:
        case Type.SCHEDULED:
            return Schedule(**document | {"misfire_rule": MisfireRule[document["misfire_rule"]]})
        case Type.WEBHOOK:
            return Webhook(Scheme[document["scheme"]])
        case Type.EVENT:
            entity_id = UUID(document["entity_id"]) if document["entity_id"] else None
            change_types = tuple(document["change_types"])
            return EventFilter(document["entity_type"], change_types, entity_id, document["condition"])
