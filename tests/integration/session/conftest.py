"""What the tests of the session service share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from embedded.postgres import Postgres
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.nats import running_nats
from tests.support.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stage(template: Postgres) -> AsyncIterator[Stage]:
    """Return a running session service and the runner of one room, for all tests of a worker."""
    async with (
        running_nats() as nats,  # its own: other installations delete the streams that they find
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_stage(installation) as opened,
    ):
        await opened.start_runner()
        await opened.start_service()
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(shared_stage: Stage) -> AsyncIterator[Stage]:
    """Return the same to somebody new, who may kill what runs there."""
    shared_stage.change_owner()
    yield shared_stage
    await shared_stage.restore()


@pytest_asyncio.fixture(loop_scope="session")
async def other(stage: Stage) -> AsyncIterator[Stage]:
    """Return the same room and people at a second session service."""
    replica = stage.replica()
    try:
        await replica.start_service(SLOW_DEVICE_SECONDS="300")  # its devices are read one after another
        yield replica
    finally:
        await replica.close()
