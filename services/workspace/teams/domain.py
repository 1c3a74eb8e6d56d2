"""Teams, who belongs to them, and who may change that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.workspace.teams.errors import LastOwner, RoleTooHigh, TeamFull

MAXIMUM_MEMBERS = 1000
"""People in one team: all of them take part in its chat, which takes no more."""


class Role(Enum):
    """What a member may do in the team's account, the least first."""

    AUDITOR = "AUDITOR"
    VIEWER = "VIEWER"
    MEMBER = "MEMBER"
    ADMIN = "ADMIN"
    OWNER = "OWNER"

    @property
    def rank(self) -> int:
        """The place of the role among all: nobody gives or takes one above their own."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who is to belong to a team: known by id, or by handle where there is none."""

    user_id: UUID | None
    handle: str
    role: Role


@dataclass(frozen=True, slots=True)
class Team:
    """People who share an account, whose id is the team's. `member_count` changes without a version."""

    team_id: UUID
    account_id: UUID
    founder_id: UUID
    handle: str
    display_name: str
    chat_id: UUID
    member_count: int
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None

    @property
    def entity_id(self) -> UUID:
        """The team's id."""
        return self.team_id

    def update(self, now: datetime, values: Mapping[str, object]) -> "Team":
        """Return the team with other values, itself when it has them all. InvalidField for what never changes."""
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        if not changed:
            return self
        if "handle" in changed:
            raise InvalidField(Violation("team.handle", "never changes"))
        return replace(self, version=self.version + 1, update_time=now, **changed)  # type: ignore[arg-type]  # fields of this class

    def delete(self, now: datetime) -> "Team":
        """Return the team deleted."""
        return replace(self, version=self.version + 1, update_time=now, delete_time=now)

    def with_members(self, difference: int) -> "Team":
        """Return the team with more or fewer members. TeamFull."""
        if self.member_count + difference > MAXIMUM_MEMBERS:
            raise TeamFull(MAXIMUM_MEMBERS)
        return replace(self, member_count=self.member_count + difference)


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a team."""

    member_id: UUID
    account_id: UUID
    team_id: UUID
    user_id: UUID
    handle: str
    role: Role
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def entity_id(self) -> UUID:
        """The member's id."""
        return self.member_id

    def expect_may_change(self, role: Role) -> None:
        """Raise RoleTooHigh where somebody's role, or one they are to have, is above this member's."""
        if role.rank > self.role.rank:
            raise RoleTooHigh(role.name, self.role.name)

    def update(self, now: datetime, values: Mapping[str, object]) -> "Member":
        """Return the member with another role, itself when it is the same. InvalidField for another person."""
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        for name in changed.keys() - {"role"}:
            raise InvalidField(Violation(f"member.{name}", "never changes"))
        if not changed:
            return self
        return replace(self, version=self.version + 1, update_time=now, **changed)  # type: ignore[arg-type]  # the role

    def expect_dispensable(self, owners: int) -> None:
        """Raise LastOwner where the team has no other owner."""
        if self.role is Role.OWNER and owners == 1:
            raise LastOwner(self.team_id)
