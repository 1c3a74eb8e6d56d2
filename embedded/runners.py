"""Ending the runners, which outlive everything else by design."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

from chassis import processes
from chassis.processes import ProcessKey
from embedded import polling

STOP_SECONDS = 12.0
"""A runner ends its sessions with reason `shutdown`: TERM to the shells, KILL 3 s later, the end in the spool.

One that is killed before it has written the end leaves a session that is LOST; so a busy machine has time."""


async def stop_all(rooms: Path) -> int:
    """Ask every runner below the folder to stop, kill what stays, and return how many there were."""
    runners = [runner for runner in _noted(rooms) if processes.is_running(runner)]
    processes.send_all(runners, signal.SIGTERM)
    if not await polling.until(lambda: not any(map(processes.is_running, runners)), STOP_SECONDS):
        processes.send_all(runners, signal.SIGKILL)
    return len(runners)


def _noted(rooms: Path) -> Iterator[ProcessKey]:
    # Exactly this depth: deeper folders are the users', and a file there must not choose whom we kill.
    for file in rooms.glob("rooms/*/runner.json"):
        try:
            runner = processes.described_by(json.loads(file.read_text()))
        except (OSError, ValueError):
            continue
        if runner is not None:
            yield runner
