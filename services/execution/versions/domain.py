"""The life of a version: written as a DRAFT, ACTIVE while executions start from it, never changed again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Self
from uuid import UUID

from chassis import ids
from chassis.errors import DomainError


class State(Enum):
    """Where a version is in its life."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    ARCHIVED = "ARCHIVED"


ACTIVATED = (State.ACTIVE, State.INACTIVE)
"""States of versions that somebody may name, whichever is ACTIVE: they do not change any more."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is raised about versions of one kind: by their id; the state they are in, and those that are needed."""

    not_found: Callable[[UUID], DomainError]
    wrong_state: Callable[[UUID, str, str], DomainError]
    not_deleted: Callable[[UUID], DomainError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version; those that share their first one are its family.

    `ID` names the field with the version's id, and behind `parent_` that with the id of the first.
    """

    ID: ClassVar[str]
    REFUSALS: ClassVar[Refusals]

    account_id: UUID
    version_number: int
    user_id: UUID
    name: str
    description: str
    tags: tuple[str, ...]
    is_public: bool = False
    state: State
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None
    deleted_by: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The version's id."""
        return UUID(str(getattr(self, self.ID)))

    @property
    def family_id(self) -> UUID:
        """The id of the first version."""
        return UUID(str(getattr(self, f"parent_{self.ID}")))

    def update(self, now: datetime, values: Mapping[str, Any]) -> Self:
        """Return the version with other values, itself when it has them all. Its NotFound when it is deleted."""
        self.expect_kept()
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        return self._changed(now, **changed) if changed else self

    def next(self, now: datetime, version_number: int, user_id: UUID) -> Self:
        """Return the next version, as a DRAFT that says the same."""
        fresh: dict[str, Any] = {self.ID: ids.new(), "version_number": version_number, "user_id": user_id}
        return replace(self, state=State.DRAFT, version=1, create_time=now, update_time=now, **fresh)

    def activate(self, now: datetime) -> Self:
        """Return the version as the one that executions are started from. Its WrongState when it is, or is archived."""
        self.expect(State.DRAFT, State.INACTIVE)
        return self._changed(now, state=State.ACTIVE)

    def deactivate(self, now: datetime) -> Self:
        """Return the version as one that no execution is started from, also one that was archived. Its WrongState."""
        self.expect(State.ACTIVE, State.ARCHIVED)
        return self._changed(now, state=State.INACTIVE)

    def archive(self, now: datetime) -> Self:
        """Return the version as one that is only kept. Its WrongState when it is."""
        self.expect(State.DRAFT, State.ACTIVE, State.INACTIVE)
        return self._changed(now, state=State.ARCHIVED)

    def delete(self, now: datetime, user_id: UUID) -> Self:
        """Return the version deleted. Its NotFound when it was."""
        self.expect_kept()
        state = State.INACTIVE if self.state is State.ACTIVE else self.state
        return self._changed(now, state=state, delete_time=now, deleted_by=user_id)

    def undelete(self, now: datetime) -> Self:
        """Return the version brought back. Its refusal when it is not deleted."""
        if self.delete_time is None:
            raise self.REFUSALS.not_deleted(self.entity_id)
        return self._changed(now, delete_time=None, deleted_by=None)

    def expect(self, *states: State) -> None:
        """Raise its NotFound when it is deleted, its WrongState unless it is in one of the states."""
        self.expect_kept()
        if self.state not in states:
            needed = " or ".join(state.name for state in states)
            raise self.REFUSALS.wrong_state(self.entity_id, self.state.name, needed)

    def expect_kept(self) -> None:
        """Raise its NotFound when it is deleted."""
        if self.delete_time is not None:
            raise self.REFUSALS.not_found(self.entity_id)

    def _changed(self, now: datetime, **values: Any) -> Self:
        return replace(self, version=self.version + 1, update_time=now, **values)
