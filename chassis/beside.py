"""Work that runs beside a block of code, for exactly as long as the block."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*others: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run others beside the block. They are cancelled at its end; when one of them fails, the block is.

    Raises:
        Exception: the first that the block or one of the others raised, by itself and not in a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(other) for other in others]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as exc:
        first = exc.exceptions[0]
        raise first from first.__cause__
