"""When a session is idle. Idle means that nothing works in it, not that nobody types or looks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.sessions.domain import Kind, State

IDLE_AFTER = timedelta(minutes=60)
WARNING = timedelta(minutes=5)
"""The policy of the installation."""

LOOK = timedelta(minutes=5)
"""Between two looks at a session's processor time at most; they are twelve times as frequent as the policy's time."""
_LOOKS = 12


@dataclass(frozen=True, slots=True)
class IdlePolicy:
    """When sessions of an account end because nothing works in them; version 0 is that of the installation."""

    idle_policy_id: UUID
    account_id: UUID
    off: bool
    idle_after: timedelta
    warning: timedelta
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The policy's id."""
        return self.idle_policy_id

    @property
    def look(self) -> timedelta:
        """Time between two looks."""
        return min(LOOK, self.idle_after / _LOOKS)

    @classmethod
    def usual(cls, idle_policy_id: UUID, account_id: UUID, now: datetime) -> "IdlePolicy":
        """Return the policy of an account that has none of its own."""
        return cls(
            idle_policy_id=idle_policy_id,
            account_id=account_id,
            off=False,
            idle_after=IDLE_AFTER,
            warning=WARNING,
            version=0,
            create_time=now,
            update_time=now,
        )

    def update(self, now: datetime, values: Mapping[str, object]) -> "IdlePolicy":
        """Return the policy with other values; itself when it has them. InvalidField for a warning that is too long."""
        changed = replace(self, **values)  # type: ignore[arg-type]  # the names of fields
        if changed.warning >= changed.idle_after:
            raise InvalidField(Violation("idle_policy.warning", "must be shorter than idle_after"))
        return self if changed == self else replace(changed, version=self.version + 1, update_time=now)

    def end_of(self, idle_since: datetime, warned: datetime | None, now: datetime) -> datetime | None:
        """Return when a session is to end; None while that is too far away for a warning.

        Args:
            idle_since: when something last worked in it.
            warned: the end that its devices were told of, if they were.
            now: the time.
        """
        end = idle_since + self.idle_after
        if now < end - self.warning:
            return None
        return warned if warned is not None and warned >= end else max(end, now + self.warning)


class Verdict(Enum):
    """What becomes of a session that lives, and why."""

    ENDS = "ENDS"
    WORKED = "WORKED"
    USES_CPU = "USES_CPU"
    PAUSED = "PAUSED"
    UNKNOWN = "UNKNOWN"
    POLICY_IS_OFF = "POLICY_IS_OFF"
    UNDER_WAY = "UNDER_WAY"


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of the work in a session. `cpu_milliseconds` is what it had used at the last look, None before one.

    `cpu_time` is the look at which that had changed.
    """

    session_id: UUID
    workspace_id: UUID
    kind: Kind
    state: State
    ending: bool
    last_activity_time: datetime
    cpu_milliseconds: int | None
    cpu_time: datetime

    @property
    def last_work_time(self) -> datetime:
        """When something last worked, as far as anybody looked."""
        return max(self.last_activity_time, self.cpu_time)

    def judge(self, policy: IdlePolicy, now: datetime, used: int | None) -> Verdict:
        """Return what becomes of the session; `used` is its processor time in milliseconds, None if nobody knows."""
        if policy.off:
            return Verdict.POLICY_IS_OFF
        if self.state is State.PAUSED:
            return Verdict.PAUSED
        if self.ending or not self.state.runs:
            return Verdict.UNDER_WAY
        if now < self.last_work_time + policy.idle_after:
            return Verdict.WORKED
        if used is None:
            return Verdict.UNKNOWN
        return Verdict.ENDS if used == self.cpu_milliseconds else Verdict.USES_CPU
