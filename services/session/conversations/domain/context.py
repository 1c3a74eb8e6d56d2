"""A context and the rules of its life, and what is said in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.session.conversations.errors import ContextInWrongState, ContextNotDeleted, ContextNotFound

FLOW = {"resistance": "none", "friction": "minimal", "direction": "natural"}
"""What holds where nobody says otherwise."""


class State(Enum):
    """Where a context is in its life."""

    SETUP = "SETUP"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"


class Role(Enum):
    """Who speaks: a person, an agent, or the server itself."""

    USER = "USER"
    ASSISTANT = "ASSISTANT"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Config:
    """What is to be built, and with what."""

    template: str
    tooling: tuple[str, ...]
    features: tuple[str, ...]
    customizations: dict[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """A conversation about the work in a room. `flow` has the keys of FLOW."""

    context_id: UUID
    account_id: UUID
    workspace_id: UUID
    user_id: UUID
    state: State
    flow: dict[str, str]
    config: Config
    metadata: dict[str, str]
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None
    purge_time: datetime | None
    deleted_by: UUID | None

    @property
    def entity_id(self) -> UUID:
        """The context's id."""
        return self.context_id

    def activate(self, now: datetime) -> "Context":
        """Return the context as one that is worked on. ContextInWrongState unless it was SETUP."""
        self.expect(State.SETUP)
        return self._changed(now, state=State.ACTIVE)

    def complete(self, now: datetime) -> "Context":
        """Return the context as one whose work is done. ContextInWrongState unless it was ACTIVE."""
        self.expect(State.ACTIVE)
        return self._changed(now, state=State.COMPLETED)

    def update(self, now: datetime, values: Mapping[str, object]) -> "Context":
        """Return the context with other values, itself when it has them all.

        Raises:
            ContextNotFound: it is deleted.
            InvalidField: another workspace is among them.
        """
        self.expect_kept()
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        if "workspace_id" in changed:
            raise InvalidField(Violation("context.workspace_id", "is set at creation, and never changes"))
        return self._changed(now, **changed) if changed else self

    def delete(self, now: datetime, user_id: UUID, retention: timedelta) -> "Context":
        """Return the context deleted, to be purged after `retention`. ContextNotFound when it was."""
        self.expect_kept()
        return self._changed(now, delete_time=now, purge_time=now + retention, deleted_by=user_id)

    def undelete(self, now: datetime) -> "Context":
        """Return the context brought back. ContextNotDeleted."""
        if self.delete_time is None:
            raise ContextNotDeleted(self.context_id)
        return self._changed(now, delete_time=None, purge_time=None, deleted_by=None)

    def expect(self, *states: State) -> None:
        """Raise ContextNotFound when the context is deleted, ContextInWrongState unless it is in one of the states."""
        self.expect_kept()
        if self.state not in states:
            raise ContextInWrongState(self.context_id, self.state.name, " or ".join(state.name for state in states))

    def expect_kept(self) -> None:
        """Raise ContextNotFound when the context is deleted."""
        if self.delete_time is not None:
            raise ContextNotFound(self.context_id)

    def _changed(self, now: datetime, **values: object) -> "Context":
        return replace(self, version=self.version + 1, update_time=now, **values)  # type: ignore[arg-type]  # fields of this class


@dataclass(frozen=True, slots=True)
class Metadata:
    """What somebody made of a message; `confidence` is from 0 to 1, None when nobody said."""

    intent: str = ""
    entities: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said: it never changes. `author_id` is None for the server's own."""

    message_id: UUID
    account_id: UUID
    context_id: UUID
    sequence: int
    role: Role
    author_id: UUID | None
    content: str
    metadata: Metadata
    create_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The message's id."""
        return self.message_id

    @property
    def version(self) -> int:
        """Always 1."""
        return 1


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says. `author_id` is None for the server's own."""

    role: Role
    author_id: UUID | None
    content: str
    metadata: Metadata
