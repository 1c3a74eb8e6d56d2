"""Seconds from nothing running to ready: with an empty folder, and with one that was used before."""

from benchmarks.installation import Installation, installed
from benchmarks.row import Row, at_most

FIRST, AGAIN = 60.0, 10.0
"""Seconds allowed; the first start may take as long as a person waits without a doubt."""


async def measure(_running: Installation) -> list[Row]:
    """Start a second installation twice."""
    async with installed() as installation:
        first = await installation.start()
        await installation.stop()
        again = await installation.start()
    return [
        at_most(Row("start with an empty folder", "s", first), FIRST),
        at_most(Row("start again", "s", again), AGAIN),
    ]
