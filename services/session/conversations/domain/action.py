"""An action and the rules of its life: only what its run says takes it further, to an end that is final."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from services.session.conversations.errors import ActionEnded, ActionNotUndoable

DEFAULT_TIMEOUT = timedelta(minutes=30)
"""How long an action may take where nobody says otherwise: a large install on a slow line."""


class Type(Enum):
    """What kind of thing an action does."""

    CLONE_TEMPLATE = "CLONE_TEMPLATE"
    CONFIGURE_TOOLING = "CONFIGURE_TOOLING"
    MODIFY_FILES = "MODIFY_FILES"
    DEPLOY = "DEPLOY"


class State(Enum):
    """Where an action is in its life."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self not in LIVE


LIVE = (State.PENDING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an action failed: a reason of the contract, one sentence, and the file and edit it is about if any."""

    reason: str
    message: str
    path: str = ""
    edit: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run says at its end. `result` is as the contract has it, in JSON."""

    state: State
    result: Mapping[str, Any] | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What is to be done: `payload` has one key, the contract's name of what it holds, in JSON."""

    type: Type
    payload: dict[str, Any]
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done in a room.

    `session_id` is its run, on the run `runner_id` of the room's runner. That of a DEPLOY is the preview `preview_id`,
    which has a session when it has a command.
    """

    action_id: UUID
    account_id: UUID
    context_id: UUID
    workspace_id: UUID
    user_id: UUID
    type: Type
    payload: dict[str, Any]
    timeout: timedelta
    state: State
    cancel_requested: bool
    result: dict[str, Any] | None
    failure: Failure | None
    session_id: UUID | None
    preview_id: UUID | None
    runner_id: str
    version: int
    create_time: datetime
    update_time: datetime
    end_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The action's id."""
        return self.action_id

    @property
    def has_run(self) -> bool:
        """Whether there is something that runs for it, or did."""
        return self.runner_id != ""

    @property
    def verb(self) -> str:
        """The name of what the payload holds."""
        return next(iter(self.payload))

    def assign(
        self, now: datetime, runner_id: str, session_id: UUID | None, preview_id: UUID | None = None
    ) -> "Action":
        """Return the action with what is its run."""
        return self._changed(now, runner_id=runner_id, session_id=session_id, preview_id=preview_id)

    def begin(self, now: datetime) -> "Action":
        """Return the action as one that runs."""
        return self._changed(now, state=State.RUNNING)

    def end(self, now: datetime, outcome: Outcome) -> "Action":
        """Return the action as its run left it."""
        result = None if outcome.result is None else dict(outcome.result)
        return self._changed(now, state=outcome.state, result=result, failure=outcome.failure, end_time=now)

    def request_cancel(self, now: datetime) -> "Action":
        """Return the action as one that somebody wants ended, which it is when it has no run. ActionEnded."""
        if self.state.final:
            raise ActionEnded(self.action_id, self.state.name)
        wanted = self._changed(now, cancel_requested=True)
        return wanted if self.has_run else replace(wanted, state=State.CANCELLED, end_time=now)

    def undo(self) -> ActionSpec:
        """Return what takes the action's changes back. ActionNotUndoable."""
        if self.type is not Type.MODIFY_FILES or self.state is not State.COMPLETED:
            raise ActionNotUndoable(self.action_id, self.type.name, self.state.name)
        return ActionSpec(Type.MODIFY_FILES, {"undo": {"action_id": str(self.action_id)}}, DEFAULT_TIMEOUT)

    def _changed(self, now: datetime, **values: object) -> "Action":
        return replace(self, version=self.version + 1, update_time=now, **values)  # type: ignore[arg-type]  # fields of this class
