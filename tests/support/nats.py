"""A real nats-server for a whole test session, on the code that the embedded installation runs."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from embedded.nats import Nats

SERVICES = ("workspace", "session", "execution", "audit")


@asynccontextmanager
async def running_nats() -> AsyncIterator[Nats]:
    """Run a server with a user for each service; the password is the user's name."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as scratch:
        runtime = Path(scratch) / "run"
        runtime.mkdir(mode=0o700)
        server = Nats(Path(scratch) / "nats", runtime, passwords={name: name for name in SERVICES})
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nats() -> AsyncIterator[Nats]:
    """Run a server for all tests of a worker; each new installation forgets the streams of the one before it."""
    async with running_nats() as server:
        yield server
