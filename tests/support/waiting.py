"""Waiting for something to become true, with a deadline instead of a guess."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

POLL_SECONDS = 0.02
PATIENCE = 90.0
"""Seconds that anything may take on a machine that does much besides; what takes longer never comes."""


async def until(check: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE) -> None:
    """Return once the check holds. TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110  # the world outside this process sends no event
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def running(*loops: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run endless loops beside the block; they are cancelled at its end, wherever they are."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(loop)) for loop in loops]
        yield
        for task in tasks:
            task.cancel()


async def _run(loop: Callable[[], Awaitable[None]]) -> None:
    await loop()
