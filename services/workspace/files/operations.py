"""Changes of operations on files: each is recorded, the one before anything is done and the one after it."""

from datetime import timedelta
from uuid import UUID

from chassis import retention
from chassis.database import Transaction
from services.workspace.files import store
from services.workspace.files.domain import FileOperation, Outcome, State, Wish

LEASE = timedelta(seconds=30)
"""How long an operation of which nobody gives a sign of life is taken for alive."""
KEPT = 2 * retention.KEPT
"""How long an ended operation is kept: longer than its call can be repeated."""


async def start(tx: Transaction, *, file_operation_id: UUID, wish: Wish) -> FileOperation:
    """Note that something is going to be done."""
    operation = FileOperation.start(tx.now, file_operation_id, tx.account_id, wish)
    await store.insert_operation(tx.connection, operation, tx.now + LEASE)
    tx.record(operation.event, after=operation)
    return operation


async def restart(tx: Transaction, *, file_operation_id: UUID) -> FileOperation:
    """Note that it is going to be tried again."""
    current = await store.lock_operation(tx.connection, file_operation_id)
    return await _change(tx, current, current.restart(tx.now))


async def renew(tx: Transaction, *, file_operation_id: UUID) -> None:
    """Note that it is still being done. That is no change of it."""
    await store.extend(tx.connection, file_operation_id, tx.now + LEASE)


async def finish(tx: Transaction, *, file_operation_id: UUID, outcome: Outcome) -> FileOperation:
    """Note that it was done."""
    current = await store.lock_operation(tx.connection, file_operation_id)
    return await _change(tx, current, current.finish(tx.now, outcome))


async def fail(tx: Transaction, *, file_operation_id: UUID, reason: str) -> FileOperation:
    """Note that it was refused, and nothing done."""
    current = await store.lock_operation(tx.connection, file_operation_id)
    return await _change(tx, current, current.fail(tx.now, reason))


async def lose(tx: Transaction, *, file_operation_id: UUID) -> FileOperation:
    """Note that nobody knows whether it was done; one that has ended stays as it is."""
    current = await store.lock_operation(tx.connection, file_operation_id)
    return current if current.state is not State.STARTED else await _change(tx, current, current.lose(tx.now))


async def forget_ended(tx: Transaction) -> None:
    """Delete what nobody asks for any more; the audit log keeps what happened."""
    await store.delete_ended(tx.connection, tx.now - KEPT)


async def _change(tx: Transaction, current: FileOperation, changed: FileOperation) -> FileOperation:
    due = tx.now + (LEASE if changed.state is State.STARTED else KEPT)
    await store.update_operation(tx.connection, changed, due)
    tx.record(changed.event, before=current, after=changed)
    return changed
