"""Finding an installation that another supervisor runs."""

from pathlib import Path

from embedded import lock, polling
from embedded.endpoint import Endpoint, read
from embedded.errors import StartFailed

WAIT_SECONDS = 60.0
"""The other one may have begun a moment ago."""


async def find_running(data: Path) -> Endpoint:
    """Return how to reach it, once it is ready.

    Raises:
        StartFailed: it went away, or is not ready after a minute.
    """
    file = data / "endpoint.json"
    await polling.until(lambda: file.exists() or not lock.is_held(data), WAIT_SECONDS)
    if lock.is_held(data) and (endpoint := read(file)):
        return endpoint
    msg = f"Another supervisor holds {data} and is not ready; look at its output, or stop it with `stateroom down`."
    raise StartFailed(msg)
