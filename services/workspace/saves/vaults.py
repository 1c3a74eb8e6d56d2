"""Where saves are kept on this machine, and the process that takes and gives them back, one for each.

What it does is safe to repeat, also while one that an earlier process of this service had started still does it.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.errors import ServiceUnavailable
from chassis.settings import inherited
from services.workspace.placement.local import INHERITED
from services.workspace.saves.domain import Save
from services.workspace.settings import WorkspaceSettings
from services.workspace.workspaces.domain import Workspace

_AT_ONCE = 4  # processes that read and write whole directories, beside people who work


class Refused(Exception):
    """It will not work by trying again; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Vaults:
    """The bare repositories below `saves` in the data directory, one for each workspace that was ever saved."""

    settings: WorkspaceSettings
    _turn: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _AT_ONCE))

    async def take(self, save: Save) -> dict[str, Any]:
        """Save a workspace's directory. Returns what there is in it.

        Raises:
            Refused: it cannot be saved.
            ServiceUnavailable: it did not come to an end.
        """
        return await self._run("save", save, save.workspace_id)

    async def give_back(self, save: Save, workspace: Workspace) -> None:
        """Make the directory of a workspace of a save, once for its version. Raises Refused, ServiceUnavailable."""
        await self._run("restore", save, workspace.workspace_id, restoration=f"{save.save_id} {workspace.version}")

    async def is_sound(self, save: Save) -> bool:
        """Whether all bytes of a save are there, which are read for that. Raises ServiceUnavailable."""
        return bool((await self._run("check", save, save.workspace_id))["sound"])

    async def remove(self, save: Save) -> None:
        """Remove what a save holds and no other needs. Raises Refused, ServiceUnavailable."""
        await self._run("remove", save, save.workspace_id)

    def has_room(self, workspace_id: UUID) -> bool:
        """Whether anything is left of a workspace's directory."""
        return self._room(workspace_id).exists()

    async def remove_room(self, workspace_id: UUID) -> None:
        """Remove a workspace's directory and all that belongs to its runner. Raises Refused, ServiceUnavailable."""
        await self._run("clear", None, workspace_id)

    async def _run(self, action: str, save: Save | None, workspace_id: UUID, restoration: str = "") -> dict[str, Any]:
        own = self.settings
        vault = workspace_id if save is None else save.workspace_id
        wish = {
            "action": action,
            "vault": str(own.data_directory / "saves" / f"{vault}.git"),
            "save_id": "" if save is None else str(save.save_id),
            "room": str(self._room(workspace_id)),
            "restoration": restoration,
            "sandbox": "" if save is None else save.sandbox,
            "hidden": [str(folder) for folder in own.private_folders],
            "size_limit": own.save_size_limit,
            "with_ignored": own.save_ignored,
        }
        async with self._turn:
            said = await _told(json.dumps(wish).encode())
        answer: dict[str, Any] = json.loads(said)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer

    def _room(self, workspace_id: UUID) -> Path:
        return self.settings.data_directory / "rooms" / str(workspace_id)


async def _told(wish: bytes) -> bytes:
    """Run the process and return its answer. ServiceUnavailable when it dies."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "runner.snapshot"),  # -P: where we stand must not provide modules
        stdin=pipe,
        stdout=pipe,
        env=inherited(*INHERITED),
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate(wish)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ServiceUnavailable(service="saves")
    return said
