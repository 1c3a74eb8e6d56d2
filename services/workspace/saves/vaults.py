"""Where saves are kept: ports, of which the one that suits where rooms are is chosen when the service starts."""

from typing import Any, Protocol
from uuid import UUID

from chassis.actor import Actor
from services.workspace.saves.domain import Save
from services.workspace.workspaces.domain import Workspace


class Refused(Exception):
    """It will not work by trying again; the text says why, for people."""


class Vaults(Protocol):
    """Keeps what saves hold. What it does is safe to repeat, also while an earlier process of this service does it."""

    async def take(self, actor: Actor, save: Save) -> dict[str, Any]:
        """Save a workspace's directory. Returns what there is in it.

        Raises:
            Refused: it cannot be saved.
            Unavailable: it did not come to an end.
        """

    async def give_back(self, actor: Actor, save: Save, workspace: Workspace) -> None:
        """Make the directory of a workspace of a save, once for its version. Raises Refused, Unavailable."""

    async def is_sound(self, actor: Actor, save: Save) -> bool:
        """Whether all bytes of a save are there, which are read for that. Raises Unavailable."""

    async def remove(self, actor: Actor, save: Save) -> None:
        """Remove what a save holds and no other needs. Raises Refused, Unavailable."""


class Rooms(Protocol):
    """Has the directories of workspaces."""

    async def has_room(self, workspace_id: UUID) -> bool:
        """Whether anything is left of a workspace's directory."""

    async def remove_room(self, workspace_id: UUID) -> None:
        """Remove a workspace's directory and all that belongs to its runner. Raises Refused, Unavailable."""
