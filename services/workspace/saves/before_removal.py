"""The only place that removes a workspace's directory, and what has to be so before it goes, or is replaced."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from services.workspace.saves import operations, queries
from services.workspace.saves.domain import Cause, Save, State
from services.workspace.saves.errors import WorkspaceNotSaved
from services.workspace.saves.vaults import Rooms, Vaults
from services.workspace.workspaces import domain as workspaces

LOOK_AGAIN = 0.5
"""Seconds between looks at a save that is being taken, should nobody wake us."""
RETRY = timedelta(days=1)
"""Age of a failed save after which a directory that is to be removed is tried again."""

_DAMAGED = "what was saved is damaged"
_LATER = 3600.0  # seconds until a workspace that cannot be saved is looked at again
_BEFORE_REMOVAL = faults.Point("saves.before_removal", "All is saved and was read again, and the directory is there.")
_AFTER_ROOM = faults.Point("saves.after_room", "The directory is gone, and its workspace still has a row.")


@dataclass(frozen=True, slots=True)
class BeforeRemoval:
    """Sees to it that work is saved; `wake` makes whoever takes saves look at once."""

    database: Database
    vaults: Vaults
    rooms: Rooms
    wake: Callable[[], None]

    async def save(self, actor: Actor, workspace: workspaces.Workspace) -> float | None:
        """Have a workspace saved that was put away and in which nothing runs any more.

        Returns the seconds until the next look, None once the save is complete or has failed: the directory stays then.
        """
        if not workspace.sandbox:  # never was ready: nobody could work in it
            return None
        cause = Cause.ARCHIVE if workspace.state is workspaces.State.ARCHIVED else Cause.DELETE
        save = await self.database.write(actor, operations.ensure_save, workspace=workspace, cause=cause)
        self.wake()
        return LOOK_AGAIN if save.state is State.SAVING else None

    async def remove(self, actor: Actor, workspace: workspaces.Workspace) -> float | None:
        """Remove the directory of a purged workspace, if a complete save of it can be read from end to end.

        Returns the seconds until the next look, None once it is gone.
        """
        # Without a room we were here before; the save we relied on may have gone since, and none can be taken any more.
        if workspace.sandbox and await self.rooms.has_room(workspace.workspace_id):
            save = await self._ensure(actor, workspace, RETRY)
            if save.state is not State.COMPLETE:
                return LOOK_AGAIN if save.state is State.SAVING else _LATER
            if not await self._is_sound(actor, save):
                await self._ensure(actor, workspace, operations.AT_ONCE)
                return LOOK_AGAIN
        _BEFORE_REMOVAL.reach()
        await self.rooms.remove_room(workspace.workspace_id)
        _AFTER_ROOM.reach()
        return None

    async def expect_sound(self, actor: Actor, workspace: workspaces.Workspace) -> None:
        """Raise WorkspaceNotSaved when the save of a directory that is to be replaced lacks anything.

        There is none for a new workspace, and none any more for one whose directory was replaced and used since.
        """
        save = await self.database.read(actor, queries.find_current, workspace_id=workspace.workspace_id)
        if save is not None and not await self._is_sound(actor, save):
            raise WorkspaceNotSaved(workspace.workspace_id, _DAMAGED)

    async def _is_sound(self, actor: Actor, save: Save) -> bool:
        """Whether all bytes of a save are there. One that lacks any has failed from then on."""
        sound = await self.vaults.is_sound(actor, save)
        if not sound:
            await self.database.write(actor, operations.fail_save, save_id=save.save_id, reason=_DAMAGED)
        return sound

    async def _ensure(self, actor: Actor, workspace: workspaces.Workspace, retry_after: timedelta) -> Save:
        save = await self.database.write(
            actor, operations.ensure_save, workspace=workspace, cause=Cause.CLEAN_UP, retry_after=retry_after
        )
        self.wake()
        return save
