"""Decisions about changes."""

from datetime import datetime
from typing import Any

from chassis.database import Transaction
from chassis.errors import TransactionConflict
from services.execution.changes import store
from services.execution.changes.domain import DEPTH, TriggerEvent
from services.execution.executions.domain import Failure, Owner
from services.execution.triggers import operations as triggers
from services.execution.triggers import store as trigger_store
from services.execution.triggers.domain import Decision, Happening, State, Trigger
from services.execution.triggers.operations import CHANGED, Started

Given = dict[str, Any] | Failure | None
"""What an execution is given, or why it gets nothing; None when the trigger's condition is not true."""
LOOP = Failure("TRIGGER_LOOP", f"{DEPTH} triggers, each set off by an execution of the one before, have led to it")


async def decide_event(
    tx: Transaction,
    *,
    event: TriggerEvent,
    trigger: Trigger,
    given: Given,
    time: datetime,
    owner: Owner,
) -> list[Started]:
    """Decide about a change, once; nothing is told of one for which the trigger's condition is not true.

    Args:
        tx: in the trigger's account.
        event: the change.
        trigger: as it was read when the rest was found out.
        given: what the execution is given, or why it gets nothing; None when the condition is not true.
        time: when the change was.
        owner: who owns the execution.

    Raises:
        TransactionConflict: the trigger was changed since it was read.
    """
    current = await trigger_store.lock_trigger(tx.connection, trigger.trigger_id)
    if current.version != trigger.version:
        raise TransactionConflict
    if not await store.remove(tx.connection, event.trigger_event_id):
        return []  # another process was faster
    what = Happening(event.key, time, event.depth + 1)
    refusal = Failure(*CHANGED) if current.state is not State.ENABLED else LOOP if event.depth >= DEPTH else None
    if refusal is not None:
        skipped = current.decided(what, tx.now, Decision.SKIPPED, refusal)
        await trigger_store.insert_occurrences(tx.connection, [skipped])
        return []
    if given is None:
        return []
    decided = await triggers.decide_once(tx, trigger=current, what=what, given=given, now=tx.now, owner=owner)
    return decided.started
