"""Becoming other code without ending a shell: whether, when, and whether that code would start at all."""

import asyncio
import sys
from dataclasses import dataclass, field

from runner import handover
from runner.agents.agents import Agents
from runner.clone import Workspace
from runner.errors import UpgradeRefused
from runner.handover import Table
from runner.installed import RunningCode
from runner.terminals import Terminals

CHECK = "--check"
"""Argument with which the installed code reads a table from standard input, and does nothing else."""

_CHECK_SECONDS = 30.0
_NO_ANSWER = f"it did not start within {_CHECK_SECONDS:.0f} seconds"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The way of this process to other code. `wanted` is set once there is some, and it can take over."""

    code: RunningCode
    token_sha256: bytes
    workspace: Workspace
    terminals: Terminals
    agents: Agents
    wanted: asyncio.Event = field(default_factory=asyncio.Event)

    async def want(self) -> bool:
        """Upgrade if other code is installed; return whether that begins at once, and not after a clone.

        Raises:
            UpgradeRefused: the installed code does not start, or cannot read our table. All goes on as it is.
        """
        if self.code.is_installed():
            return False
        await self._check()
        self.wanted.set()
        return not self.workspace.preparing

    def replace(self) -> None:
        """Become the installed code. Nothing may happen between the reading of the terminals' state and this."""
        handover.replace_process(self._table())

    def _table(self) -> Table:
        return Table(self.token_sha256, self.terminals.states(), self.agents.states())

    async def _check(self) -> None:
        """Let the installed code read our table beforehand: once we have left for it, there is no way back."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "runner", CHECK),
                stdin=pipe,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=pipe,
            )
        except OSError as error:
            raise UpgradeRefused(str(error)) from error
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                _, complaint = await process.communicate(handover.encode(self._table()))
        except TimeoutError as error:
            process.kill()
            raise UpgradeRefused(_NO_ANSWER) from error
        if process.returncode != 0:
            last_line = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            raise UpgradeRefused(last_line or f"it ended with {process.returncode}")
