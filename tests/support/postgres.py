"""A real PostgreSQL for a whole test session, on the code that the embedded installation runs."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio

from embedded.postgres import Postgres

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""A test's data need not survive the machine."""


@asynccontextmanager
async def running_postgres() -> AsyncIterator[Postgres]:
    """Run an empty server; `admin_url` is the superuser's."""
    # Not pytest's folders: their paths are too long for a unix socket.
    with tempfile.TemporaryDirectory(prefix="sr-test-") as scratch:
        runtime = Path(scratch) / "run"
        runtime.mkdir(mode=0o700)
        server = Postgres(Path(scratch) / "postgres", runtime, settings=FAST)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """Run a server for all tests of a worker."""
    async with running_postgres() as server:
        yield server
