"""What the tests that kill, cut and wipe share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make fault` runs, when it does not."""
    if config.getoption("thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest_asyncio.fixture
async def client(embedded_stack: EmbeddedStack) -> AsyncIterator[Client]:
    """Return a client that acts as the owner."""
    async with embedded_stack.client() as made:
        yield made
