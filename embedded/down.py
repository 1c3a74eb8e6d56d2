"""Stopping an installation that runs in another process."""

import argparse
import signal
from pathlib import Path

from chassis import processes
from chassis.processes import ProcessKey
from embedded import lock, polling, runners
from embedded.errors import StartFailed
from embedded.progress import Progress
from embedded.supervisor import LEAVE, STOPPED, STOPPED_BUT_ROOMS

WAIT_SECONDS = 30.0
"""The supervisor takes at most 26."""


async def down(options: argparse.Namespace, progress: Progress) -> int:
    """Ask the supervisor of the folder to stop, with or without what runs in rooms, and return when it has.

    Raises:
        StartFailed: it does not stop.
    """
    supervisor = lock.holder(options.data) if lock.is_held(options.data) else None
    if supervisor is not None:
        await _end(options.data, supervisor, LEAVE if options.keep_sessions else signal.SIGTERM)
        progress.say(STOPPED_BUT_ROOMS if options.keep_sessions else STOPPED)
    elif not options.keep_sessions and await runners.stop_all(options.data / "workspace"):
        progress.say("The supervisor had died; its rooms are stopped now.")
    else:
        progress.say(f"Nothing runs in {options.data}.")
    return 0


async def _end(data: Path, supervisor: ProcessKey, number: int) -> None:
    processes.send(supervisor, number)
    if not await polling.until(lambda: not lock.is_held(data), WAIT_SECONDS):
        msg = (
            f"The supervisor (process {supervisor.pid}) does not stop; `kill -9 {supervisor.pid}` ends it and all but "
            "the runners."
        )
        raise StartFailed(msg)
