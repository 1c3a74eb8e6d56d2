"""Writes of actions, and reads by id."""

from dataclasses import asdict, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.session.conversations.domain.action import Action, Failure
from services.session.conversations.errors import ActionNotFound, ContextInUse
from services.session.conversations.tables import actions

COLUMNS = [actions.c[field.name] for field in fields(Action)]
"""The columns that make an Action; the others drive its reconciliation."""


def action_of(row: Row[tuple[object, ...]]) -> Action:
    """Return a row as an action."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name
    failure = None if values["failure"] is None else Failure(**values["failure"])
    return Action(**values | {"failure": failure})


async def insert_action(connection: Connection, action: Action) -> None:
    """Store a new action, due at once."""
    await connection.execute(insert(actions).values(**_row(action), reconcile_time=action.create_time))


async def update_action(connection: Connection, action: Action, *, due: datetime | None) -> None:
    """Store a changed action; `due` is when the reconciler looks at it next. Claims of before are void."""
    statement = update(actions).where(actions.c.action_id == action.action_id)
    reconcile = {"reconcile_time": due, "reconcile_epoch": actions.c.reconcile_epoch + 1, "reconcile_attempts": 0}
    await connection.execute(statement.values(**_row(action), **reconcile))


async def update_claimed(connection: Connection, action: Action) -> None:
    """Store an action that its reconciler changed and goes on with."""
    statement = update(actions).where(actions.c.action_id == action.action_id)
    await connection.execute(statement.values(**_row(action)))


async def get_action(connection: Connection, action_id: UUID) -> Action:
    """Return an action of the account. ActionNotFound."""
    return await _action(connection, select(*COLUMNS).where(actions.c.action_id == action_id), action_id)


async def lock_action(connection: Connection, action_id: UUID) -> Action:
    """Return an action and hold its row until the transaction ends. ActionNotFound."""
    statement = select(*COLUMNS).where(actions.c.action_id == action_id).with_for_update()
    return await _action(connection, statement, action_id)


async def expect_idle(connection: Connection, context_id: UUID) -> None:
    """Raise ContextInUse while actions of a context have not ended. Its row is locked, so none is added."""
    live = (actions.c.context_id == context_id) & actions.c.end_time.is_(None)
    count = int((await connection.execute(select(func.count()).where(live))).scalar_one())
    if count:
        raise ContextInUse(context_id, count)


async def _action(connection: Connection, statement: Select[tuple[object, ...]], action_id: UUID) -> Action:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ActionNotFound(action_id)
    return action_of(row)


def _row(action: Action) -> dict[str, object]:
    return tables.row_of(action) | {"failure": None if action.failure is None else asdict(action.failure)}
