"""Writes of contexts and messages, and reads by id."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, exists, func, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.session.channel import CHANNEL
from services.session.conversations.domain.context import Config, Context, Message, Metadata, Role
from services.session.conversations.errors import ContextNotFound, MessageNotFound
from services.session.conversations.tables import contexts, messages

COLUMNS = [contexts.c[field.name] for field in fields(Context)]
"""The columns that make a Context."""
MESSAGE_COLUMNS = [messages.c[field.name] for field in fields(Message)]
"""The columns that make a Message."""


Driver = Any
"""asyncpg's connection, from the system's pool."""

_OPEN = """
SELECT context_id FROM contexts
WHERE workspace_id = $1 AND state <> 'COMPLETED' AND delete_time IS NULL AND create_time <= $2 ORDER BY context_id
"""


def context_of(row: Row[tuple[object, ...]]) -> Context:
    """Return a row as a context."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
    config = values["config"]
    lists = {name: tuple(config[name]) for name in ("tooling", "features")}
    return Context(**values | {"config": Config(**config | lists)})


def message_of(row: Row[tuple[object, ...]]) -> Message:
    """Return a row as a message."""
    values = dict(row._mapping)  # noqa: SLF001  # as above
    metadata = values["metadata"]
    return Message(**values | {"metadata": Metadata(**metadata | {"entities": tuple(metadata["entities"])})})


async def insert_context(connection: Connection, context: Context) -> None:
    """Store a new context, in which nothing was said."""
    await connection.execute(insert(contexts).values(**_row(context)))


async def update_context(connection: Connection, context: Context) -> None:
    """Store a changed context and let those who follow it know; it is due when it is to be purged."""
    statement = update(contexts).where(contexts.c.context_id == context.context_id)
    reconcile = {
        "reconcile_time": context.purge_time,
        "reconcile_epoch": contexts.c.reconcile_epoch + 1,
        "reconcile_attempts": 0,
    }
    await connection.execute(statement.values(**_row(context), **reconcile))
    await tell(connection, context.context_id)


async def get_context(connection: Connection, context_id: UUID) -> Context:
    """Return a context of the account, deleted ones too. ContextNotFound."""
    return await _context(connection, select(*COLUMNS).where(contexts.c.context_id == context_id), context_id)


async def lock_context(connection: Connection, context_id: UUID) -> Context:
    """Return a context and hold its row until the transaction ends. ContextNotFound."""
    statement = select(*COLUMNS).where(contexts.c.context_id == context_id).with_for_update()
    return await _context(connection, statement, context_id)


async def next_sequence(connection: Connection, context_id: UUID) -> int:
    """Return the place of the next message; rivals wait until this transaction ends, so places have no gap."""
    statement = update(contexts).where(contexts.c.context_id == context_id)
    counted = statement.values(message_count=contexts.c.message_count + 1).returning(contexts.c.message_count)
    return int((await connection.execute(counted)).scalar_one())


async def insert_message(connection: Connection, message: Message) -> None:
    """Store a message and let those who follow its context know."""
    row = tables.row_of(message) | {"metadata": asdict(message.metadata)}
    await connection.execute(insert(messages).values(**row))
    await tell(connection, message.context_id)


async def get_message(connection: Connection, message_id: UUID) -> Message:
    """Return a message of the account. MessageNotFound."""
    statement = select(*MESSAGE_COLUMNS).where(messages.c.message_id == message_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise MessageNotFound(message_id)
    return message_of(row)


async def open_contexts(driver: Driver, workspace_id: UUID, then: datetime) -> list[UUID]:
    """Return the contexts of a workspace that were there at an instant and in which work is not done."""
    return [row["context_id"] for row in await driver.fetch(_OPEN, workspace_id, then)]


async def is_said(connection: Connection, context_id: UUID, metadata: Metadata) -> bool:
    """Return whether the server said in a context what this is made of."""
    said = (messages.c.context_id == context_id) & (messages.c.role == Role.SYSTEM)
    same = messages.c.metadata.contains(asdict(metadata))
    return bool((await connection.execute(select(exists().where(said, same)))).scalar_one())


async def purge_context(connection: Connection, context_id: UUID) -> None:
    """Remove a context with everything in it."""
    await connection.execute(delete(contexts).where(contexts.c.context_id == context_id))
    await tell(connection, context_id)


async def tell(connection: Connection, context_id: UUID) -> None:
    """Let every process know, once the transaction commits, that there is something new in a context."""
    await connection.execute(select(func.pg_notify(CHANNEL, str(context_id))))


async def _context(connection: Connection, statement: Select[tuple[object, ...]], context_id: UUID) -> Context:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ContextNotFound(context_id)
    return context_of(row)


def _row(context: Context) -> dict[str, object]:
    return tables.row_of(context) | {"config": asdict(context.config)}
