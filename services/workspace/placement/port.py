"""The port to where runners are: processes of this machine, or Pods."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

Tell = Callable[[str], Awaitable[None]]
"""Tells people how far a start is, in a few words."""


async def to_nobody(_step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A room that is held for a new runner.

    Attributes:
        address: where it will serve, as far as that is known yet.
        certificate: by which it will prove itself; empty where it serves at a socket.
        start: starts it, and waits until it runs. Raises Unavailable when it does not.
    """

    address: str
    certificate: str
    start: Callable[[Tell], Awaitable[None]]


class Runners(Protocol):
    """Where runners are processes, or Pods. `patience` is how many seconds a room may take to become free or start."""

    @property
    def patience(self) -> float:
        """As said above."""

    def token(self, runner_id: UUID) -> str:
        """Return the token of a runner. It is derived, so that it is stored nowhere."""

    async def address(self, runner_id: UUID, workspace_id: UUID, tell: Tell) -> str:
        """Return the gRPC address of a runner that lives or starts; wait until it is known. Raises Unavailable."""

    def vacant(
        self, runner_id: UUID, workspace_id: UUID, account_id: UUID
    ) -> AbstractAsyncContextManager[Vacancy | None]:
        """Hold a room for a new runner; None while another lives, starts or ends there. Raises Unavailable."""

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that lives or starts in a room, None when there is none."""

    async def serving(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that can be called in a room now, None when there is none."""

    async def until_ended(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Raise Unavailable once a runner is known to have ended."""

    async def discard(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Remove what is left of a runner that has ended, or never served. The disk stays."""
