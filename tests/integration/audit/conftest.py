"""What the tests of the audit service share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.ledger import Ledger, open_ledger
from tests.support.source import Source


@pytest_asyncio.fixture
async def ledger(source: Source) -> AsyncIterator[Ledger]:
    """Return an audit service with an empty ledger."""
    async with open_ledger(source) as opened:
        yield opened
