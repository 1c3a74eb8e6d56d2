"""Reads and writes of steps that wait, for which a database that does not answer is no failure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis import cancellation
from chassis.errors import Conflict, Unavailable

T = TypeVar("T")

_RETRY = 0.5  # seconds


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Return what a call gives, made again as long as the database does not answer it."""
    while True:
        cancellation.heed()
        try:
            return await call()
        except (Conflict, Unavailable):
            await asyncio.sleep(_RETRY)
