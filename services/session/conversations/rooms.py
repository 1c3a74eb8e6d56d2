"""Whether a room is there, as the workspace service knows it."""

from dataclasses import dataclass
from uuid import UUID

from chassis.errors import DomainError
from services.session.sessions.live.runners import NO_RUNNER, Runners

_ABSENT = "WORKSPACE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms of accounts."""

    runners: Runners

    async def expect(self, account_id: UUID, workspace_id: UUID) -> None:
        """Raise what the workspace service says of a workspace that the account does not have."""
        try:
            await self.runners.find(account_id, workspace_id)
        except DomainError as exc:
            if exc.reason == _ABSENT or exc.reason not in NO_RUNNER:
                raise
