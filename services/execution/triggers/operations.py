"""Changes of triggers, and their decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.execution.definitions import queries as definitions
from services.execution.definitions.domain import Definition
from services.execution.executions.convert import TIMEOUT
from services.execution.executions.domain import Execution, ExecutionSpec, Failure, Owner
from services.execution.executions.operations import start_execution
from services.execution.triggers import store
from services.execution.triggers.domain import Decision, Happening, Occurrence, Trigger, key_of
from services.execution.triggers.errors import TriggerLimitReached

CHANGED = ("TRIGGER_CHANGED", "the trigger was changed before anybody looked")
"""Why a time is skipped that nobody had decided about."""
MISFIRED = ("MISFIRED", "nobody could look at the time, and the trigger's rule is to skip it")


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that was stored, and what it does."""

    execution: Execution
    definition: Definition


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, and the execution that it started; none when it was decided before."""

    occurrence: Occurrence
    started: list[Started]


async def create_trigger(tx: Transaction, *, trigger: Trigger, limit: int) -> Trigger:
    """Make a trigger. WorkflowNotFound; TriggerLimitReached when the account has as many as it may."""
    if await store.count_triggers(tx.connection, tx.account_id) >= limit:
        raise TriggerLimitReached(limit)
    await definitions.expect_family(tx.connection, parent_workflow_id=trigger.parent_workflow_id)
    await store.insert_trigger(tx.connection, trigger)
    tx.record("created", after=trigger)
    return trigger


async def update_trigger(tx: Transaction, *, trigger_id: UUID, values: Mapping[str, Any], etag: str) -> Trigger:
    """Give a trigger other values; with the same, nothing changes.

    Raises:
        TriggerNotFound: no such trigger, or deleted.
        TriggerOfAnotherType: it waits for something else.
        WorkflowNotFound: it is to start another workflow, which is not there.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
    """
    current = await store.lock_trigger(tx.connection, trigger_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated.parent_workflow_id != current.parent_workflow_id:
        await definitions.expect_family(tx.connection, parent_workflow_id=updated.parent_workflow_id)
    return await _change(tx, "updated", current, updated)


async def enable_trigger(tx: Transaction, *, trigger_id: UUID, etag: str) -> Trigger:
    """Let a trigger start executions, for who says so. TriggerNotFound, TriggerWithoutSecret, EtagMismatch."""
    current = await store.lock_trigger(tx.connection, trigger_id)
    tags.expect(current, etag)
    return await _change(tx, "enabled", current, current.enable(tx.now, UUID(tx.actor.subject)))


async def disable_trigger(tx: Transaction, *, trigger_id: UUID, etag: str) -> Trigger:
    """Let a trigger start none any more. TriggerNotFound, EtagMismatch."""
    current = await store.lock_trigger(tx.connection, trigger_id)
    tags.expect(current, etag)
    return await _change(tx, "disabled", current, current.disable(tx.now))


async def delete_trigger(tx: Transaction, *, trigger_id: UUID, etag: str) -> Trigger:
    """Delete a trigger. TriggerNotFound, EtagMismatch."""
    current = await store.lock_trigger(tx.connection, trigger_id)
    tags.expect(current, etag)
    return await _change(tx, "deleted", current, current.delete(tx.now, UUID(tx.actor.subject)))


async def decide_times(
    tx: Transaction,
    *,
    trigger: Trigger,
    times: Sequence[datetime],
    inputs: Mapping[datetime, dict[str, Any] | Failure],
    now: datetime,
    owner: Owner,
) -> list[Started]:
    """Decide about times of a schedule that are over, and pass on to the next one; nothing when somebody else has.

    Args:
        tx: in the trigger's account.
        trigger: as it was read when the rest was found out.
        times: those that are decided about, as `Trigger.due` gives them.
        inputs: of those times that start executions, what these are given, or why they get nothing.
        now: when somebody looked.
        owner: who owns the executions.
    """
    current = await store.lock_trigger(tx.connection, trigger.trigger_id)
    if (current.version, current.next_time) != (trigger.version, trigger.next_time):
        return []
    fresh = await _fresh(tx, current, current.skipped(times, now, *MISFIRED))
    decided = [each for each in fresh if each.time not in inputs]
    started = []
    for time in (each.time for each in fresh if each.time in inputs):
        given = inputs[time]
        occurrence, begun = await _decide(tx, current, Happening(key_of(time), time), given, now, owner)
        decided.append(occurrence)
        started += begun
    await store.insert_occurrences(tx.connection, sorted(decided, key=lambda each: each.time))
    await store.pass_on(tx.connection, current.trigger_id, current.following(now))
    return started


async def decide_once(
    tx: Transaction,
    *,
    trigger: Trigger,
    what: Happening,
    given: dict[str, Any] | Failure,
    now: datetime,
    owner: Owner,
) -> Decided:
    """Decide about something that a trigger waited for, whose row is held; what was decided before stays so."""
    known = await store.find_occurrence(tx.connection, trigger.trigger_id, what.key)
    if known is not None:
        return Decided(known, [])
    occurrence, started = await _decide(tx, trigger, what, given, now, owner)
    await store.insert_occurrences(tx.connection, [occurrence])
    return Decided(occurrence, started)


async def _decide(
    tx: Transaction,
    trigger: Trigger,
    what: Happening,
    given: dict[str, Any] | Failure,
    now: datetime,
    owner: Owner,
) -> tuple[Occurrence, list[Started]]:
    outcome = await _start(tx, trigger, given, what.depth, owner)
    if isinstance(outcome, Failure):
        return trigger.decided(what, now, Decision.FAILED, outcome), []
    execution_id = outcome.execution.execution_id
    return trigger.decided(what, now, Decision.STARTED, execution_id=execution_id), [outcome]


async def _start(
    tx: Transaction, trigger: Trigger, given: dict[str, Any] | Failure, depth: int, owner: Owner
) -> Started | Failure:
    """Start an execution of a trigger's workflow, or return why it cannot be started."""
    if isinstance(given, Failure):
        return given
    workflow = await definitions.find_active(tx.connection, parent_workflow_id=trigger.parent_workflow_id)
    if workflow is None:
        return Failure("WORKFLOW_NOT_ACTIVE", "no version of the workflow is active")
    about = (trigger.name, workflow.workflow_id, None, given, TIMEOUT)
    spec = ExecutionSpec(ids.new(), *about, trigger_id=trigger.trigger_id, trigger_depth=depth)
    execution = await start_execution(tx, spec=spec, user_id=trigger.user_id, owner=owner)
    return Started(execution, workflow.definition)


async def _change(tx: Transaction, type: str, before: Trigger, after: Trigger) -> Trigger:  # noqa: A002  # the event's own word
    if after is before:
        return before
    if after.next_time != before.next_time:
        undecided = await _fresh(tx, before, before.skipped(before.due(tx.now), tx.now, *CHANGED))
        await store.insert_occurrences(tx.connection, undecided)
    await store.update_trigger(tx.connection, after)
    tx.record(type, before=before, after=after)
    return after


async def _fresh(tx: Transaction, trigger: Trigger, decided: Iterable[Occurrence]) -> list[Occurrence]:
    """Return those of the decisions that are about something new: a clock that went back shows a time again."""
    about = list(decided)
    known = await store.known_keys(tx.connection, trigger.trigger_id, [each.key for each in about]) if about else set()
    return [each for each in about if each.key not in known]
