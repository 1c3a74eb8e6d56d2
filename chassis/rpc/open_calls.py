"""The calls that a server has open, and their end when it stops: streams are told, the others get time to finish."""

import asyncio
import time

from chassis.errors import ShuttingDown

QUIET = 0.1
"""Seconds without a new call after which the connections may go."""
_PATIENCE = 10  # times as long for callers who never stop calling


class OpenCalls:
    """Calls of one server, by the tasks that serve them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._cut_short: set[asyncio.Task[object]] = set()
        self._stopping = asyncio.Event()
        self._refused_at = 0.0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._tasks)

    def begin(self) -> asyncio.Task[object]:
        """Count the call of the current task. Raises ShuttingDown when no more are taken."""
        task = asyncio.current_task()
        if task is None:
            msg = "a call is served by a task"
            raise RuntimeError(msg)
        if self._stopping.is_set():
            self._refused_at = time.monotonic()
            raise ShuttingDown
        self._tasks.add(task)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Forget a call that ended."""
        self._tasks.discard(task)
        self._cut_short.discard(task)

    def was_cut_short(self, task: asyncio.Task[object]) -> bool:
        """Whether we cancelled the call, and not its client."""
        return task in self._cut_short

    async def refuse(self) -> None:
        """Take no more calls, tell the open streams, and return when callers have understood.

        gRPC cancels what comes in over a connection that it is about to close, which tells its caller nothing.
        """
        self._stopping.set()
        for _ in range(_PATIENCE):
            await asyncio.sleep(QUIET)
            if time.monotonic() - self._refused_at > QUIET:
                return

    async def until_refused(self) -> None:
        """Wait until no more calls are taken. Raises ShuttingDown: clients of a stream come back elsewhere or later."""
        await self._stopping.wait()
        raise ShuttingDown

    def cut_short(self) -> None:
        """Cancel what is still open; its callers get ShuttingDown."""
        self._cut_short.update(self._tasks)
        for task in tuple(self._tasks):
            task.cancel()
