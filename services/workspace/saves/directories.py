"""Rooms and saves in directories of this machine, and the process that makes one of the other, one for each."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.actor import Actor
from chassis.errors import ServiceUnavailable
from chassis.settings import inherited
from services.workspace.placement.local import INHERITED
from services.workspace.saves.domain import Save
from services.workspace.saves.vaults import Refused
from services.workspace.settings import WorkspaceSettings
from services.workspace.workspaces.domain import Workspace

_AT_ONCE = 4  # processes that read and write whole directories, beside people who work


@dataclass(frozen=True, slots=True)
class Directories:
    """Rooms below `rooms` in the data directory, and below `saves` a bare repository for each that was ever saved."""

    settings: WorkspaceSettings
    _turn: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _AT_ONCE))

    async def take(self, _actor: Actor, save: Save) -> dict[str, Any]:
        """Save a directory."""
        return await self._run("save", save, save.workspace_id)

    async def give_back(self, _actor: Actor, save: Save, workspace: Workspace) -> None:
        """Make a directory."""
        await self._run("restore", save, workspace.workspace_id, restoration=f"{save.save_id} {workspace.version}")

    async def is_sound(self, _actor: Actor, save: Save) -> bool:
        """Read a save."""
        return bool((await self._run("check", save, save.workspace_id))["sound"])

    async def remove(self, _actor: Actor, save: Save) -> None:
        """Remove a save."""
        await self._run("remove", save, save.workspace_id)

    async def has_room(self, workspace_id: UUID) -> bool:
        """Look for a directory."""
        return self._room(workspace_id).exists()

    async def remove_room(self, workspace_id: UUID) -> None:
        """Remove a directory."""
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
