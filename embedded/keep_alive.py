"""Starting a part again when it dies."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from embedded.errors import StartFailed
from embedded.process import ManagedProcess
from embedded.progress import Progress

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A part that ran this long died of something new: the delays begin again."""


class Part(Protocol):
    """A process that can be started again: PostgreSQL, NATS, a service."""

    process: ManagedProcess | None

    async def start(self) -> None:
        """Start it and return when it is ready."""

    async def stop(self) -> None:
        """Stop it."""


async def keep_alive(name: str, part: Part, progress: Progress, restarted: Callable[[], object]) -> None:
    """Start the part again each time it ends, for ever, with growing delays; `restarted` is called after each."""
    delay = FIRST_DELAY_SECONDS
    while part.process is not None:
        began = time.monotonic()
        code = await part.process.wait()
        if time.monotonic() - began > STEADY_SECONDS:
            delay = FIRST_DELAY_SECONDS
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        progress.say(f"  ! {name} died ({how}); starting it again.")
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        try:
            with progress.part(f"{name} again"):
                await part.start()
        except StartFailed as error:
            progress.say(str(error))
            continue
        restarted()
