"""Many callers at once, each with one call under way."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Call = Callable[[], Awaitable[object]]


async def rate(make: Callable[[int], Call], callers: int, seconds: float) -> float:
    """Return the calls a second that callers make together.

    Args:
        make: returns the call of the caller with a number.
        callers: how many there are.
        seconds: how long they go on.
    """
    began = time.monotonic()

    async def caller(call: Call) -> int:
        calls = 0
        while time.monotonic() < began + seconds:
            await call()
            calls += 1
        return calls

    counts = await asyncio.gather(*(caller(make(number)) for number in range(callers)))
    return sum(counts) / (time.monotonic() - began)


async def latencies(call: Call, times: int) -> list[float]:
    """Return the seconds that calls one after another take."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        found.append(time.perf_counter() - began)
    return found
