"""Cancellation that libraries swallow: before Python 3.12 `asyncio.wait_for` does, and nats-py makes another error of it."""

import asyncio


def heed() -> None:
    """Raise CancelledError when this task was told to end. An endless loop calls it in each round."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
