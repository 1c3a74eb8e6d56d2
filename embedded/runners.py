"""Ending the runners, which outlive everything else by design."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded import polling
from embedded.lock import start_ticks

STOP_SECONDS = 6.0
"""A runner ends its sessions with reason `shutdown`: TERM to the shells, KILL after a while, the end in the spool."""


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Changes with each boot, since which start ticks are counted."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A process that a room's `runner.json` names, with the time it began."""

    pid: int
    ticks: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; another process of the same number does not count."""
        return start_ticks(self.pid) == self.ticks and not _is_zombie(self.pid)


async def stop_all(rooms: Path) -> int:
    """Ask every runner below the folder to stop, kill what stays, and return how many there were."""
    runners = [runner for runner in _noted(rooms) if runner.alive]
    for runner in runners:
        _send(runner, signal.SIGTERM)
    if not await polling.until(lambda: not any(runner.alive for runner in runners), STOP_SECONDS):
        for runner in runners:
            _send(runner, signal.SIGKILL)
    return len(runners)


def _noted(rooms: Path) -> Iterator[Runner]:
    # Exactly this depth: deeper folders are the users', and a file there must not choose whom we kill.
    for file in rooms.glob("rooms/*/runner.json"):
        try:
            noted = json.loads(file.read_text())
            if noted.get("boot_id") == BOOT_ID.read_text().strip():
                yield Runner(pid=int(noted["pid"]), ticks=int(noted["start_ticks"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _send(runner: Runner, number: signal.Signals) -> None:
    if runner.alive:
        os.kill(runner.pid, number)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
