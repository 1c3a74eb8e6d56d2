"""What the tests of the execution service share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chassis import ids
from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.execution_stage import ExecutionStage, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_stage(template: Postgres, nats: Nats) -> AsyncIterator[ExecutionStage]:
    """Return a running service, for the tests of one module."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as opened,
    ):
        await opened.replica(LOG_LEVEL="WARNING", EGRESS_ALLOWED="127.0.0.2/32")
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(shared_stage: ExecutionStage) -> ExecutionStage:
    """Return the same to somebody new."""
    shared_stage.account_id = ids.new()
    return shared_stage
