"""Reads of triggers, and of what they decided."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.execution.triggers import store
from services.execution.triggers.domain import Decision, Occurrence, State, Trigger, Type
from services.execution.triggers.tables import occurrences, triggers


async def get_trigger(connection: Connection, *, trigger_id: UUID) -> Trigger:
    """Return a trigger of the account, a deleted one too. TriggerNotFound."""
    return await store.get_trigger(connection, trigger_id)


async def list_triggers(  # noqa: PLR0913  # filters, each by its own name
    connection: Connection,
    *,
    parent_workflow_id: UUID | None,
    type: Type | None,  # noqa: A002  # the contract's own word
    state: State | None,
    show_deleted: bool,
    limit: int,
    after: UUID | None,
) -> list[Trigger]:
    """Return triggers of the account, newest first."""
    statement = select(*store.COLUMNS)
    filters = (
        (triggers.c.parent_workflow_id, parent_workflow_id),
        (triggers.c.type, type),
        (triggers.c.state, state),
    )
    for column, value in filters:
        if value is not None:
            statement = statement.where(column == value)
    if not show_deleted:
        statement = statement.where(triggers.c.delete_time.is_(None))
    if after is not None:
        statement = statement.where(triggers.c.trigger_id < after)
    rows = await connection.execute(statement.order_by(triggers.c.trigger_id.desc()).limit(limit))
    return [store.trigger_of(row) for row in rows.mappings()]


async def list_occurrences(
    connection: Connection, *, trigger_id: UUID, decision: Decision | None, limit: int, after: UUID | None
) -> list[Occurrence]:
    """Return what a trigger has decided, newest first. TriggerNotFound."""
    await store.get_trigger(connection, trigger_id)
    statement = select(occurrences).where(occurrences.c.trigger_id == trigger_id)
    if decision is not None:
        statement = statement.where(occurrences.c.decision == decision)
    if after is not None:
        statement = statement.where(occurrences.c.occurrence_id < after)
    rows = await connection.execute(statement.order_by(occurrences.c.occurrence_id.desc()).limit(limit))
    return [tables.to(Occurrence, row) for row in rows]
