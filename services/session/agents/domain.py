"""Turns of an agent, and what it asks permission for."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID


class TurnState(Enum):
    """Where a turn is."""

    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    ENDED = "ENDED"


class PermissionState(Enum):
    """Where a request for permission is."""

    PENDING = "PENDING"
    ANSWERED = "ANSWERED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that `subject` asked of an agent; the text is in the log only, at `sequence`."""

    turn_id: UUID
    account_id: UUID
    session_id: UUID
    state: TurnState
    subject: str
    prompt_sha256: bytes
    prompt_bytes: int
    sequence: int
    end_reason: str
    version: int
    create_time: datetime
    end_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The turn's id."""
        return self.turn_id

    def cancel(self) -> "Turn":
        """Return the turn as one that somebody wants ended."""
        return replace(self, state=TurnState.CANCELLING, version=self.version + 1)

    def end(self, time: datetime, reason: str) -> "Turn":
        """Return the turn with its end."""
        return replace(self, state=TurnState.ENDED, end_reason=reason, end_time=time, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Permission:
    """Something an agent asked permission for. `subject` is who answered; `options` have option_id, name and kind."""

    permission_id: UUID
    account_id: UUID
    session_id: UUID
    turn_id: UUID | None
    state: PermissionState
    title: str
    kind: str
    options: list[dict[str, str]]
    option_id: str
    subject: str
    sequence: int
    version: int
    create_time: datetime
    end_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The id of the request."""
        return self.permission_id

    def answer(self, time: datetime, option_id: str, subject: str) -> "Permission":
        """Return it answered, or withdrawn where there is no option."""
        state = PermissionState.ANSWERED if option_id else PermissionState.WITHDRAWN
        return replace(self, state=state, option_id=option_id, subject=subject, end_time=time, version=self.version + 1)
