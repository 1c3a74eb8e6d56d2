"""Work that outlives the call that began it, and ends with the process at the latest."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Background:
    """Tasks of one group. What they run must not raise: one fault would end them all."""

    group: asyncio.TaskGroup
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin some work."""
        task = self.group.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


@asynccontextmanager
async def open_background() -> AsyncIterator[Background]:
    """Own background work; what is not done at the end is cancelled."""
    async with asyncio.TaskGroup() as group:
        background = Background(group)
        try:
            yield background
        finally:
            for task in list(background.tasks):
                task.cancel()
