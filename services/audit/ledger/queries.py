"""Reads of the ledger. Each is of one account, which row security holds as well."""

from uuid import UUID

from sqlalchemy import Select, select, tuple_

from chassis import tables
from chassis.sql import Connection
from services.audit.ledger.domain import Entry, Filter
from services.audit.ledger.errors import AuditLogNotFound
from services.audit.ledger.tables import entries

_EQUAL = ("source", "entity_type", "entity_id", "type", "actor_id", "request_id", "outcome")
"""Filters that compare with the column of their name."""


async def get_entry(connection: Connection, *, account_id: UUID, audit_log_id: UUID) -> Entry:
    """Return an entry of the account. AuditLogNotFound."""
    statement = select(entries).where(entries.c.account_id == account_id, entries.c.audit_log_id == audit_log_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise AuditLogNotFound(audit_log_id)
    return tables.to(Entry, row)


async def list_entries(
    connection: Connection, *, account_id: UUID, wanted: Filter, limit: int, after: UUID | None
) -> list[Entry]:
    """Return entries of the account, newest first."""
    statement = _newest_first(_matching(account_id, wanted), limit, after)
    return await _read(connection, statement)


async def list_changes(
    connection: Connection, *, account_id: UUID, wanted: Filter, limit: int, after: UUID | None
) -> list[Entry]:
    """Return entries with content that their source still has: newest first, or one entity's by version."""
    statement = _matching(account_id, wanted).where(entries.c.has_content, ~entries.c.orphaned)
    if wanted.entity_id is None:
        return await _read(connection, _newest_first(statement, limit, after))
    order = (entries.c.entity_version, entries.c.position, entries.c.audit_log_id)
    if after is not None:
        last = await get_entry(connection, account_id=account_id, audit_log_id=after)
        statement = statement.where(tuple_(*order) > (last.entity_version, last.position, last.audit_log_id))
    return await _read(connection, statement.order_by(*order).limit(limit))


def _matching(account_id: UUID, wanted: Filter) -> Select[tuple[object, ...]]:
    statement = select(entries).where(entries.c.account_id == account_id)
    for name in _EQUAL:
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(entries.c[name] == value)
    if wanted.action is not None:
        entity_type, _, type_ = wanted.action.rpartition(".")
        statement = statement.where(entries.c.entity_type == entity_type, entries.c.type == type_)
    if wanted.start_time is not None:
        statement = statement.where(entries.c.time >= wanted.start_time)
    if wanted.end_time is not None:
        statement = statement.where(entries.c.time < wanted.end_time)
    return statement


def _newest_first(statement: Select[tuple[object, ...]], limit: int, after: UUID | None) -> Select[tuple[object, ...]]:
    if after is not None:
        statement = statement.where(entries.c.audit_log_id < after)
    return statement.order_by(entries.c.audit_log_id.desc()).limit(limit)


async def _read(connection: Connection, statement: Select[tuple[object, ...]]) -> list[Entry]:
    return [tables.to(Entry, row) for row in await connection.execute(statement)]
