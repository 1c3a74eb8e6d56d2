"""A trigger, what it waits for, and what is decided about each occurrence of that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from chassis import ids
from services.execution.executions.domain import Failure
from services.execution.triggers.errors import (
    TriggerDisabled,
    TriggerNotFound,
    TriggerOfAnotherType,
    TriggerWithoutSecret,
)
from services.execution.triggers.schedule import MisfireRule, Schedule

ON_TIME = timedelta(minutes=1)
"""How late somebody may look at a time that does not count as missed."""
LISTED = 100
"""Times of a schedule that are decided each by itself when many were missed, and as many executions they can start."""


class Type(Enum):
    """What a trigger waits for."""

    SCHEDULED = "SCHEDULED"
    WEBHOOK = "WEBHOOK"
    EVENT = "EVENT"


class State(Enum):
    """Whether a trigger starts executions."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Decision(Enum):
    """What was decided about an occurrence."""

    STARTED = "STARTED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"


class Scheme(Enum):
    """How deliveries are signed."""

    STANDARD = "STANDARD"
    GITHUB = "GITHUB"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Signed deliveries."""

    scheme: Scheme


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Changes of resources of a kind: any where `change_types` or `condition` is empty, or `entity_id` None."""

    entity_type: str
    change_types: tuple[str, ...]
    entity_id: UUID | None
    condition: str


Config = Schedule | Webhook | EventFilter
_TYPES: Mapping[type[Config], Type] = {
    Schedule: Type.SCHEDULED,
    Webhook: Type.WEBHOOK,
    EventFilter: Type.EVENT,
}


NOTHING = Failure("", "")


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that a trigger waited for, and when it was. `key` is what it is recognised by within the trigger.

    `depth` is how many triggers have led to it, with this one.
    """

    key: str
    time: datetime
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that a trigger waited for, and what was decided about it. `key` is unique within the trigger."""

    occurrence_id: UUID
    account_id: UUID
    trigger_id: UUID
    key: str
    time: datetime
    last_time: datetime | None
    decision: Decision
    reason: str
    message: str
    execution_id: UUID | None
    decide_time: datetime


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts executions of a workflow by itself.

    `next_time` is the first time of a schedule that is not decided about yet, `secret` that of a webhook, sealed.
    """

    trigger_id: UUID
    account_id: UUID
    name: str
    parent_workflow_id: UUID
    inputs: Mapping[str, str]
    config: Config
    state: State
    user_id: UUID
    next_time: datetime | None
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None
    deleted_by: UUID | None = None
    secret: bytes | None = None
    enable_time: datetime | None = None

    @property
    def entity_id(self) -> UUID:
        """The trigger's id."""
        return self.trigger_id

    @property
    def type(self) -> Type:
        """What it waits for."""
        return _TYPES[type(self.config)]

    def update(self, now: datetime, values: Mapping[str, Any]) -> "Trigger":
        """Return the trigger with other values, itself when it has them all. TriggerNotFound, TriggerOfAnotherType."""
        self.expect_kept()
        if not isinstance(values.get("config", self.config), type(self.config)):
            raise TriggerOfAnotherType(self.trigger_id, self.type.name)
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        return self._changed(now, **changed) if changed else self

    def enable(self, now: datetime, user_id: UUID) -> "Trigger":
        """Return the trigger enabled by somebody, itself when it is already. TriggerNotFound, TriggerWithoutSecret."""
        self.expect_kept()
        if isinstance(self.config, Webhook) and self.secret is None:
            raise TriggerWithoutSecret(self.trigger_id)
        if self.state is State.ENABLED and self.user_id == user_id:
            return self
        return self._changed(now, state=State.ENABLED, user_id=user_id)

    def disable(self, now: datetime) -> "Trigger":
        """Return the trigger disabled, itself when it is already. TriggerNotFound."""
        self.expect_kept()
        return self if self.state is State.DISABLED else self._changed(now, state=State.DISABLED)

    def renew(self, now: datetime, secret: bytes) -> "Trigger":
        """Return the trigger with another secret, as it is stored. TriggerNotFound, TriggerOfAnotherType."""
        self.expect_kept()
        if not isinstance(self.config, Webhook):
            raise TriggerOfAnotherType(self.trigger_id, self.type.name)
        return self._changed(now, secret=secret)

    def delete(self, now: datetime, user_id: UUID) -> "Trigger":
        """Return the trigger deleted. TriggerNotFound when it was."""
        self.expect_kept()
        return self._changed(now, state=State.DISABLED, delete_time=now, deleted_by=user_id)

    def following(self, now: datetime) -> datetime | None:
        """Return the next time of its schedule while it is enabled."""
        if isinstance(self.config, Schedule) and self.state is State.ENABLED:
            return self.config.next(now)
        return None

    def expect_kept(self) -> None:
        """Raise TriggerNotFound when it is deleted."""
        if self.delete_time is not None:
            raise TriggerNotFound(self.trigger_id)

    def expect_enabled(self) -> None:
        """Raise TriggerNotFound when it is deleted, TriggerDisabled when it starts nothing."""
        self.expect_kept()
        if self.state is not State.ENABLED:
            raise TriggerDisabled(self.trigger_id)

    def due(self, now: datetime) -> list[datetime]:
        """Return the newest times that are over and not decided about, in order: one more than are listed, at most."""
        if not isinstance(self.config, Schedule) or self.next_time is None or self.next_time > now:
            return []
        return self.config.newest(self.next_time - timedelta(microseconds=1), now, LISTED + 1)

    def missed(self, times: Sequence[datetime], now: datetime) -> list[datetime]:
        """Return those of the times that its rule says are only skipped."""
        return missed(times, now, self.config.misfire_rule) if isinstance(self.config, Schedule) else []

    def skipped(self, times: Sequence[datetime], now: datetime, reason: str, message: str) -> Iterator[Occurrence]:
        """Yield what is told of times that start nothing: each of the newest, and those before them together."""
        if len(times) > LISTED and self.next_time is not None:
            before = self.skip(self.next_time, now, reason, message)
            yield replace(before, last_time=times[-LISTED - 1] if times[-LISTED - 1] > before.time else None)
        for time in times[-LISTED:]:
            yield self.skip(time, now, reason, message)

    def skip(self, time: datetime, now: datetime, reason: str, message: str) -> Occurrence:
        """Return a time that starts nothing."""
        return self.decided(Happening(key_of(time), time), now, Decision.SKIPPED, Failure(reason, message))

    def decided(
        self,
        what: Happening,
        now: datetime,
        decision: Decision,
        why: Failure = NOTHING,
        execution_id: UUID | None = None,
    ) -> Occurrence:
        """Return a decision, and why unless an execution was started."""
        about = (ids.new(), self.account_id, self.trigger_id, what.key, what.time, None)
        return Occurrence(*about, decision, why.reason, why.message, execution_id, now)

    def _changed(self, now: datetime, **values: Any) -> "Trigger":
        changed = replace(self, version=self.version + 1, update_time=now, **values)
        if (changed.config, changed.state) == (self.config, self.state):
            return changed
        since = self.enable_time if changed.state is self.state else now
        enable_time = since if changed.state is State.ENABLED else None
        return replace(changed, next_time=changed.following(now), enable_time=enable_time)


def key_of(time: datetime) -> str:
    """Return what a time of a schedule is recognised by."""
    return time.astimezone(UTC).isoformat()


def missed(times: Sequence[datetime], now: datetime, rule: MisfireRule) -> list[datetime]:
    """Return those of the times that a rule says are only skipped."""
    late = [time for time in times if now - time > ON_TIME]
    match rule:
        case MisfireRule.NONE:
            return late
        case MisfireRule.LATEST:
            return late if len(late) < len(times) else late[:-1]
        case MisfireRule.ALL:
            return []
