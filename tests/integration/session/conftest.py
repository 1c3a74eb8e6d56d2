"""What the tests of the session service share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.installation import Installation
from tests.support.stage import Stage, open_stage


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    """Return a running session service and the runner of one room."""
    async with open_stage(installation) as opened:
        await opened.start_runner()
        await opened.start_service()
        yield opened


@pytest_asyncio.fixture
async def other(stage: Stage) -> AsyncIterator[Stage]:
    """Return the same room and people at a second session service."""
    replica = stage.replica()
    try:
        await replica.start_service(SLOW_DEVICE_SECONDS="300")  # its devices are read one after another
        yield replica
    finally:
        await replica.close()
