"""What the reconciler of actions needs of whoever runs them."""

from typing import Protocol

from services.session.conversations.domain.action import Action, Outcome


class ActionRunner(Protocol):
    """Runs actions. Each method may be called again after it was interrupted, and then does nothing twice.

    What keeps it from its work for now is raised as Unavailable or LimitExceeded; any other DomainError is for good.
    """

    async def start(self, action: Action) -> None:
        """See to it that an action runs, or has run."""

    async def look(self, action: Action) -> Outcome | None:
        """Return what the run of a started action says; None while it runs."""

    async def cancel(self, action: Action) -> None:
        """Have the run of a started action end, if it has not."""
