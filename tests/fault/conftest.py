"""What the tests that kill, cut and wipe share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack


@pytest_asyncio.fixture
async def client(embedded_stack: EmbeddedStack) -> AsyncIterator[Client]:
    """Return a client that acts as the owner."""
    async with embedded_stack.client() as made:
        yield made
