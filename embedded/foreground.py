"""Work in the foreground of a terminal or a container, which a signal stops in order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import NoReturn

from rich.console import Console

from embedded.errors import StartFailed
from embedded.keep_alive import Part

EXIT_FAILED = 3
"""It cannot start as it is set up; the same code that services use for a wrong setting."""
EXIT_ENDED = 1
"""What it looks after has ended by itself."""


def run(work: Coroutine[None, None, int]) -> NoReturn:
    """Do the work and exit with its code; with 0 after SIGINT or SIGTERM, by which it is cancelled."""
    try:
        code = asyncio.run(_until_signalled(work))
    except* StartFailed as failures:
        Console(stderr=True).print(str(_first(failures)), style="red", markup=False, highlight=False, soft_wrap=True)
        code = EXIT_FAILED
    sys.exit(code)


async def ended(part: Part) -> int:
    """Wait until a part ends although nobody has asked it to; return the exit code that says so."""
    if part.process is not None:
        await part.process.wait()
    return EXIT_ENDED


async def _until_signalled(work: Coroutine[None, None, int]) -> int:
    """Run the work; the first SIGINT or SIGTERM cancels it, later ones do not disturb the stopping."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)

        def stop_once() -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, lambda: None)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop_once)
    return 0 if task.cancelled() else task.result()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first failure: parts start side by side, and one reason is enough to act on."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
