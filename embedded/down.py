"""Stopping an installation that runs in another process."""

import argparse
import signal

from chassis import processes
from embedded import lock, polling, runners
from embedded.errors import StartFailed
from embedded.progress import Progress

WAIT_SECONDS = 25.0
"""The supervisor takes at most 20."""


async def down(options: argparse.Namespace, progress: Progress) -> int:
    """Ask the supervisor of the folder to stop, and return when it has.

    Raises:
        StartFailed: it does not stop.
    """
    supervisor = lock.holder(options.data)
    if supervisor is None or not lock.is_held(options.data):
        if await runners.stop_all(options.data / "workspace"):
            progress.say("The supervisor had died; its rooms are stopped now.")
        else:
            progress.say(f"Nothing runs in {options.data}.")
        return 0
    processes.send(supervisor, signal.SIGTERM)
    if not await polling.until(lambda: not lock.is_held(options.data), WAIT_SECONDS):
        msg = (
            f"The supervisor (process {supervisor.pid}) does not stop; `kill -9 {supervisor.pid}` ends it and all but "
            "the runners."
        )
        raise StartFailed(msg)
    progress.say("Stopped. Everything is kept; start again to go on.")
    return 0
