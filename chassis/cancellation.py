"""Cancellation that libraries swallow: `asyncio.wait_for` before Python 3.12, and nats-py."""

import asyncio


def heed() -> None:
    """Raise CancelledError when this task was told to end. An endless loop calls it in each round."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
