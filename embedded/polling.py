"""Waiting for what nobody announces: files of other programs, and processes that are not our children."""

import asyncio
from collections.abc import Callable

INTERVAL_SECONDS = 0.02


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, at most so many seconds; return whether it does."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(INTERVAL_SECONDS)
    return True
