"""Who calls the workspace service, and what there is to clone."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from embedded.postgres import Postgres
from tests.support.git import Origin, make_origin
from tests.support.nats import running_nats
from tests.support.people import Person, newcomer
from tests.support.product import Product, serving_product
from tests.support.vaults import vault_stage

__all__ = ["vault_stage"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_product(product_template: Postgres) -> AsyncIterator[Product]:
    """Return an installation with all services running, for all tests of a worker: each makes its own account."""
    async with running_nats() as nats, serving_product(product_template, nats) as opened:
        yield opened


@pytest_asyncio.fixture
async def person(shared_product: Product) -> AsyncIterator[Person]:
    """Return somebody new in an installation that others use too."""
    async with newcomer(shared_product) as created:
        yield created


@pytest_asyncio.fixture
async def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """Return a repository with one commit on its branch `main`."""
    return await make_origin(tmp_path_factory.mktemp("origin"))
