"""Writes of saves, and reads by id."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import Executable, bindparam, exists, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.placement.store import Purpose
from services.workspace.placement.tables import runners
from services.workspace.saves.domain import Cause, Save, State
from services.workspace.saves.errors import SaveNotFound
from services.workspace.saves.tables import saves

COLUMNS = [saves.c[field.name] for field in fields(Save)]
"""The columns that make a Save; the others drive its reconciliation."""

_INSERT = insert(saves)
_BY_ID = select(*COLUMNS).where(saves.c.save_id == bindparam("save_id"))
_LOCKED = _BY_ID.with_for_update()
_CHANGED_SINCE = exists().where(
    runners.c.workspace_id == saves.c.workspace_id,
    runners.c.create_time > saves.c.create_time,
    runners.c.purpose == Purpose.WORKSPACE.value,
)
"""Nothing is written in a room without a runner, and a save that is not on demand is taken after the last one went.

Runners that live for a save write nothing either.
"""

_CURRENT = (
    select(*COLUMNS)
    .where(
        saves.c.workspace_id == bindparam("workspace_id"),
        saves.c.cause != Cause.ON_DEMAND,
        saves.c.state != State.DELETED,
        ~_CHANGED_SINCE,
    )
    .order_by(saves.c.save_id.desc())
    .limit(1)
)


async def insert_save(connection: Connection, save: Save) -> None:
    """Store a new save, due to be taken."""
    due = {"reconcile_time": save.create_time, "reconcile_epoch": 0, "reconcile_attempts": 0}
    await connection.execute(_INSERT, tables.row_of(save) | due)


async def update_save(connection: Connection, save: Save, *, due: datetime | None) -> None:
    """Store a changed save; `due` is when the reconciler looks at it next. Claims of before are void."""
    statement = update(saves).where(saves.c.save_id == save.save_id)
    reconcile = {"reconcile_time": due, "reconcile_epoch": saves.c.reconcile_epoch + 1, "reconcile_attempts": 0}
    await connection.execute(statement.values(**tables.row_of(save), **reconcile))


async def load_save(connection: Connection, save_id: UUID) -> Save:
    """Return a save of the account, deleted ones too. SaveNotFound."""
    return await _save(connection, _BY_ID, save_id)


async def lock_save(connection: Connection, save_id: UUID) -> Save:
    """Return a save, deleted ones too, and hold its row until the transaction ends. SaveNotFound."""
    return await _save(connection, _LOCKED, save_id)


async def lock_previous(connection: Connection, save: Save) -> Save | None:
    """Return the save of the workspace before this one, unless that is deleted, and hold its row; None for none."""
    before = (saves.c.workspace_id == save.workspace_id) & (saves.c.save_id < save.save_id)
    statement = select(*COLUMNS).where(before, saves.c.state != State.DELETED).order_by(saves.c.save_id.desc())
    row = (await connection.execute(statement.limit(1).with_for_update())).one_or_none()
    return None if row is None else tables.to(Save, row)


async def lock_saves_of(connection: Connection, workspace_id: UUID) -> list[Save]:
    """Return all saves of a workspace that are not deleted, and hold their rows."""
    kept = (saves.c.workspace_id == workspace_id) & (saves.c.state != State.DELETED)
    statement = select(*COLUMNS).where(kept).order_by(saves.c.save_id).with_for_update()
    return [tables.to(Save, row) for row in await connection.execute(statement)]


async def find_current(connection: Connection, workspace_id: UUID) -> Save | None:
    """Return the newest save of a workspace's directory as it is now, whatever became of the save; None for none."""
    row = (await connection.execute(_CURRENT, {"workspace_id": workspace_id})).one_or_none()
    return None if row is None else tables.to(Save, row)


async def _save(connection: Connection, statement: Executable, save_id: UUID) -> Save:
    row = (await connection.execute(statement, {"save_id": save_id})).one_or_none()
    if row is None:
        raise SaveNotFound(save_id)
    return tables.to(Save, row)
