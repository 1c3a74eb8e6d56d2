"""The services under the tour, which kills some of them."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from embedded import endpoint
from embedded.demo.checks import CheckFailed, check

RESTART_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Services:
    """The processes of an installation, by its endpoint file."""

    endpoint_file: Path

    def kill(self, name: str) -> int:
        """Kill a service without a warning; returns the process that it was."""
        killed = self._process(name)
        os.kill(killed, signal.SIGKILL)
        return killed

    async def restarted(self, name: str, killed: int) -> int:
        """Return the process that a service is once the supervisor has started it again. CheckFailed."""
        for _ in range(int(RESTART_SECONDS / POLL_SECONDS)):
            if (pid := self._process(name)) != killed:
                return pid
            await asyncio.sleep(POLL_SECONDS)
        msg = f"the {name} service is not back after {RESTART_SECONDS:.0f} s"
        raise CheckFailed(msg)

    def _process(self, name: str) -> int:
        running = endpoint.read(self.endpoint_file)
        check("the installation runs", holds=running is not None)
        return running.pids[name] if running else 0
