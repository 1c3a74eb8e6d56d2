"""Writes of operations on files, and reads by id."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.files.domain import FileOperation, State
from services.workspace.files.tables import file_operations

_COLUMNS = [file_operations.c[field.name] for field in fields(FileOperation)]
_INSERT = insert(file_operations)
_BY_ID = select(*_COLUMNS).where(file_operations.c.file_operation_id == bindparam("file_operation_id"))
_LOCKED = _BY_ID.with_for_update()


async def insert_operation(connection: Connection, operation: FileOperation, due: datetime) -> None:
    """Store a new operation, which is looked at when it is due."""
    reconcile = {"reconcile_time": due, "reconcile_epoch": 0, "reconcile_attempts": 0}
    await connection.execute(_INSERT, tables.row_of(operation) | reconcile)


async def update_operation(connection: Connection, operation: FileOperation, due: datetime) -> None:
    """Store a changed operation. Claims of before are void."""
    statement = update(file_operations).where(file_operations.c.file_operation_id == operation.file_operation_id)
    reconcile = {
        "reconcile_time": due,
        "reconcile_epoch": file_operations.c.reconcile_epoch + 1,
        "reconcile_attempts": 0,
    }
    await connection.execute(statement.values(**tables.row_of(operation), **reconcile))


async def extend(connection: Connection, file_operation_id: UUID, due: datetime) -> None:
    """Put off the time at which an operation that is still STARTED is looked at."""
    started = (file_operations.c.file_operation_id == file_operation_id) & (file_operations.c.state == State.STARTED)
    await connection.execute(update(file_operations).where(started).values(reconcile_time=due))


async def delete_ended(connection: Connection, before: datetime) -> None:
    """Delete the account's operations that ended before an instant."""
    ended = (file_operations.c.state != State.STARTED) & (file_operations.c.update_time <= before)
    await connection.execute(delete(file_operations).where(ended))


async def get_operation(connection: Connection, file_operation_id: UUID) -> FileOperation:
    """Return an operation of the account, which is kept for longer than its request can be repeated."""
    row = (await connection.execute(_BY_ID, {"file_operation_id": file_operation_id})).one()
    return tables.to(FileOperation, row)


async def lock_operation(connection: Connection, file_operation_id: UUID) -> FileOperation:
    """Return an operation and hold its row until the transaction ends."""
    row = (await connection.execute(_LOCKED, {"file_operation_id": file_operation_id})).one()
    return tables.to(FileOperation, row)
