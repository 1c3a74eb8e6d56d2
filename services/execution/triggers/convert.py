"""Triggers and what they decided as messages of the contract."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stateroom.execution.v1 import trigger_pb2 as pb
from stateroom.execution.v1 import trigger_service_pb2 as pb_service

from chassis import etag, ids, messages
from services.execution.triggers.domain import Decision, EventFilter, Occurrence, Scheme, State, Trigger, Type, Webhook
from services.execution.triggers.schedule import MisfireRule, Schedule

_CONFIGS = ("schedule", "webhook", "event")
"""Fields of which a trigger has one."""


def trigger_to_proto(trigger: Trigger) -> pb.Trigger:
    """Return the public form of a trigger."""
    message = pb.Trigger(
        trigger_id=str(trigger.trigger_id),
        name=trigger.name,
        parent_workflow_id=str(trigger.parent_workflow_id),
        inputs=trigger.inputs,
        type=pb.Trigger.Type.Value(trigger.type.name),
        state=pb.Trigger.State.Value(trigger.state.name),
        user_id=str(trigger.user_id),
        deleted_by=str(trigger.deleted_by or ""),
        etag=etag.of(trigger),
    )
    match trigger.config:
        case Schedule():
            message.schedule.CopyFrom(_schedule_to_proto(trigger.config))
        case Webhook(scheme):
            shown = pb.Webhook.Scheme.Value(scheme.name)
            message.webhook.CopyFrom(pb.Webhook(scheme=shown, has_secret=trigger.secret is not None))
        case EventFilter(entity_type, change_types, entity_id, condition):
            message.event.entity_type = entity_type
            message.event.change_types.extend(change_types)
            message.event.entity_id = str(entity_id or "")
            message.event.condition = condition
    messages.set_times(message, trigger, "next_time", "enable_time", "create_time", "update_time", "delete_time")
    return message


def trigger_from_proto(request: pb_service.CreateTriggerRequest, account_id: UUID, user_id: UUID) -> Trigger:
    """Return a new trigger as its maker wants it."""
    values = values_from_proto(request.trigger, ("name", "parent_workflow_id", "inputs", *_CONFIGS))
    disabled = request.disabled or request.trigger.HasField("webhook")
    now = datetime.now(UTC)
    trigger = Trigger(
        trigger_id=ids.new(),
        account_id=account_id,
        state=State.DISABLED if disabled else State.ENABLED,
        user_id=user_id,
        next_time=None,
        version=1,
        create_time=now,
        update_time=now,
        enable_time=None if disabled else now,
        **values,
    )
    return replace(trigger, next_time=trigger.following(now))


def values_from_proto(message: pb.Trigger, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names as a trigger holds them; what it waits for is its `config`."""
    held: dict[str, Any] = {}
    for name in names:
        match name:
            case "parent_workflow_id":
                held[name] = ids.parse(message.parent_workflow_id)
            case "inputs":
                held[name] = dict(message.inputs)
            case "schedule" if message.HasField("schedule"):
                held["config"] = schedule_from_proto(message.schedule)
            case "webhook" if message.HasField("webhook"):
                scheme = messages.member(Scheme, pb.Webhook.Scheme, message.webhook.scheme)
                held["config"] = Webhook(scheme or Scheme.STANDARD)
            case "event" if message.HasField("event"):
                held["config"] = _filter_from_proto(message.event)
            case "name":
                held[name] = message.name
    return held


def schedule_from_proto(message: pb.Schedule) -> Schedule:
    """Return the schedule that somebody wants."""
    rule = messages.member(MisfireRule, pb.Schedule.MisfireRule, message.misfire_rule) or MisfireRule.LATEST
    return Schedule(" ".join(message.cron.split()), message.time_zone or "UTC", rule)


def occurrence_to_proto(occurrence: Occurrence) -> pb.Occurrence:
    """Return the public form of a decision."""
    message = pb.Occurrence(
        occurrence_id=str(occurrence.occurrence_id),
        trigger_id=str(occurrence.trigger_id),
        key=occurrence.key,
        decision=pb.Occurrence.Decision.Value(occurrence.decision.name),
        reason=occurrence.reason,
        message=occurrence.message,
        execution_id=str(occurrence.execution_id or ""),
    )
    messages.set_times(message, occurrence, "time", "last_time", "decide_time")
    return message


def type_from_proto(type: pb.Trigger.Type.ValueType) -> Type | None:  # noqa: A002  # the contract's own word
    """Return the type a filter names; None for no filter."""
    return messages.member(Type, pb.Trigger.Type, type)


def state_from_proto(state: pb.Trigger.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Trigger.State, state)


def decision_from_proto(decision: pb.Occurrence.Decision.ValueType) -> Decision | None:
    """Return the decision a filter names; None for no filter."""
    return messages.member(Decision, pb.Occurrence.Decision, decision)


def _schedule_to_proto(schedule: Schedule) -> pb.Schedule:
    rule = pb.Schedule.MisfireRule.Value(schedule.misfire_rule.name)
    return pb.Schedule(cron=schedule.cron, time_zone=schedule.time_zone, misfire_rule=rule)


def _filter_from_proto(message: pb.EventFilter) -> EventFilter:
    entity_id = ids.parse(message.entity_id) if message.entity_id else None
    return EventFilter(message.entity_type, tuple(message.change_types), entity_id, message.condition)
