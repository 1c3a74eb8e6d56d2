"""What comes of deliveries, and secrets of triggers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from chassis.errors import DomainError, TransactionConflict
from services.execution.executions.domain import Failure, Owner
from services.execution.triggers import operations as triggers
from services.execution.triggers import store as trigger_store
from services.execution.triggers.domain import Decision, Happening, Trigger
from services.execution.triggers.operations import Decided
from services.execution.webhooks import store
from services.execution.webhooks.domain import Delivery

_TOLD_ONCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was found out before a decision: the trigger as it was read, and what its execution would be given."""

    trigger: Trigger
    given: dict[str, Any] | Failure


@dataclass(slots=True)
class Redelivering:
    """Who owns what a redelivery starts, and, of one that was not done before, what was decided."""

    owner: Owner
    decided: Decided | None = None


async def renew_secret(tx: Transaction, *, trigger_id: UUID, secret: bytes, etag: str) -> Trigger:
    """Give a trigger another secret, sealed. TriggerNotFound, TriggerOfAnotherType, EtagMismatch."""
    current = await trigger_store.lock_trigger(tx.connection, trigger_id)
    tags.expect(current, etag)
    renewed = current.renew(tx.now, secret)
    await trigger_store.update_trigger(tx.connection, renewed)
    tx.record("secret_renewed", before=current, after=renewed)
    return renewed


async def refuse_delivery(tx: Transaction, *, trigger_id: UUID, now: datetime, error: DomainError) -> None:
    """Tell that something was refused; of one reason once in a minute, however much comes."""
    trigger = await trigger_store.lock_trigger(tx.connection, trigger_id)
    minute = datetime.fromtimestamp(now.timestamp() // 60 * 60, now.tzinfo)
    what = Happening(f"{error.reason}/{minute.isoformat()}", now)
    if await trigger_store.find_occurrence(tx.connection, trigger_id, what.key) is None:
        told = trigger.decided(what, now, Decision.REFUSED, Failure(error.reason, error.message))
        await trigger_store.insert_occurrences(tx.connection, [told])


async def accept_delivery(
    tx: Transaction, *, delivery: Delivery, prepared: Prepared, owner: Owner
) -> tuple[Decided, UUID | None]:
    """Keep a delivery and decide about it; one that came before starts nothing.

    Returns what was decided, and the delivery as it came first; None when it is forgotten.

    Raises:
        TriggerNotFound, TriggerDisabled: the trigger starts nothing.
        TransactionConflict: the trigger was changed since it was read.
    """
    trigger = await _held(tx, prepared)
    what = Happening(delivery.key, delivery.receive_time)
    earlier = await trigger_store.find_occurrence(tx.connection, trigger.trigger_id, what.key)
    if earlier is not None:
        return Decided(earlier, []), await store.find_delivery(tx.connection, trigger.trigger_id, delivery.key)
    await store.insert_delivery(tx.connection, delivery)
    tx.record("received", after=delivery)
    decided = await triggers.decide_once(
        tx, trigger=trigger, what=what, given=prepared.given, now=delivery.receive_time, owner=owner
    )
    return decided, delivery.delivery_id


async def redeliver(tx: Transaction, *, delivery_id: UUID, prepared: Prepared, redelivering: Redelivering) -> Delivery:
    """Decide about a delivery once more. DeliveryNotFound, and as for accepting one."""
    trigger = await _held(tx, prepared)
    current = await store.lock_delivery(tx.connection, delivery_id)
    again = current.redeliver()
    await store.count_redelivery(tx.connection, again)
    tx.record("redelivered", before=current, after=again)
    what = Happening(again.again_key, tx.now)
    redelivering.decided = await triggers.decide_once(
        tx, trigger=trigger, what=what, given=prepared.given, now=tx.now, owner=redelivering.owner
    )
    return again


async def _held(tx: Transaction, prepared: Prepared) -> Trigger:
    trigger = await trigger_store.lock_trigger(tx.connection, prepared.trigger.trigger_id)
    trigger.expect_enabled()
    if trigger.version != prepared.trigger.version:
        raise TransactionConflict
    return trigger
