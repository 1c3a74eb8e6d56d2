"""Finding an installation that another supervisor runs."""

import asyncio
from pathlib import Path

from embedded import lock
from embedded.endpoint import Endpoint, read
from embedded.errors import StartFailed

WAIT_SECONDS = 60.0
"""The other one may have begun a moment ago."""
POLL_SECONDS = 0.1


async def find_running(data: Path) -> Endpoint:
    """Return how to reach it, once it is ready.

    Raises:
        StartFailed: it went away, or is not ready after a minute.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while lock.is_held(data):
                if endpoint := read(data / "endpoint.json"):
                    return endpoint
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        pass
    msg = f"Another supervisor holds {data} and is not ready; look at its output, or stop it with `stateroom down`."
    raise StartFailed(msg)
