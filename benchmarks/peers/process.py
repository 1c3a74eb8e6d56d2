"""A peer as a process of its own: it prints its port as its first line and serves until it is stopped."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READY_SECONDS = 20.0


@asynccontextmanager
async def peer(module: str, *arguments: str) -> AsyncIterator[int]:
    """Run `benchmarks.peers.<module>` and return its port. RuntimeError when it does not come up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"benchmarks.peers.{module}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError(module)
        line = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        if not line.strip().isdigit():
            raise RuntimeError(module)
        yield int(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
