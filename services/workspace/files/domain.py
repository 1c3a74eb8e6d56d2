"""Operations on files: what was asked for, and what became of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, auto
from typing import Self
from uuid import UUID


class Action(StrEnum):
    """What is done to files, as events name it while nobody knows how it ends."""

    WRITE = auto()
    MOVE = auto()
    DELETE = auto()
    MAKE_DIRECTORY = auto()
    UPLOAD = auto()
    COPY = auto()


class State(StrEnum):
    """How far an operation is."""

    STARTED = auto()
    DONE = auto()
    FAILED = auto()
    LOST = auto()


_DONE = {
    Action.WRITE: "written",
    Action.MOVE: "moved",
    Action.DELETE: "deleted",
    Action.MAKE_DIRECTORY: "directory_made",
    Action.UPLOAD: "uploaded",
    Action.COPY: "copied",
}
"""What has happened to files once an action is done."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants done."""

    workspace_id: UUID
    action: Action
    path: str
    new_path: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made: its etag, and how much it is."""

    etag: str = ""
    size_bytes: int = 0
    file_count: int = 0


@dataclass(frozen=True, slots=True)
class FileOperation:
    """One operation. Its row is written before anything is done, so that nothing is done of which nobody is told."""

    file_operation_id: UUID
    account_id: UUID
    workspace_id: UUID
    action: Action
    path: str
    new_path: str
    state: State
    etag: str
    size_bytes: int
    file_count: int
    reason: str
    version: int
    create_time: datetime
    update_time: datetime

    @classmethod
    def start(cls, now: datetime, file_operation_id: UUID, account_id: UUID, wish: Wish) -> Self:
        """Return a new operation."""
        return cls(
            file_operation_id=file_operation_id,
            account_id=account_id,
            workspace_id=wish.workspace_id,
            action=wish.action,
            path=wish.path,
            new_path=wish.new_path,
            state=State.STARTED,
            etag="",
            size_bytes=0,
            file_count=0,
            reason="",
            version=1,
            create_time=now,
            update_time=now,
        )

    @property
    def entity_id(self) -> UUID:
        """Its id."""
        return self.file_operation_id

    @property
    def event(self) -> str:
        """What happened when it came into its state, in the past tense."""
        return _DONE[self.action] if self.state is State.DONE else f"{self.action}_{self.state}"

    def restart(self, now: datetime) -> Self:
        """Return it as it is when its call is repeated after nothing, or nobody knows what, was done."""
        return self._in(State.STARTED, now, reason="")

    def finish(self, now: datetime, outcome: Outcome) -> Self:
        """Return it done. Whoever carried it out knows, also when it was given up for lost."""
        return replace(
            self._in(State.DONE, now, reason=""),
            etag=outcome.etag,
            size_bytes=outcome.size_bytes,
            file_count=outcome.file_count,
        )

    def fail(self, now: datetime, reason: str) -> Self:
        """Return it failed; nothing was done."""
        return self._in(State.FAILED, now, reason=reason)

    def lose(self, now: datetime) -> Self:
        """Return it lost."""
        return self._in(State.LOST, now, reason="")

    def _in(self, state: State, now: datetime, *, reason: str) -> Self:
        return replace(self, state=state, reason=reason, version=self.version + 1, update_time=now)
