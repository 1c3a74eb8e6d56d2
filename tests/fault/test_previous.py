"""I32: services of the last release and of this one work on one schema, during an upgrade and on the way back."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.history import History
from tests.support.judge import broken, complete
from tests.support.people import Person, connected, sign_up
from tests.support.previous import ROOT, Release, last_release, unpack
from tests.support.product import SERVICES, Product, open_product
from tests.support.workload import workload

EMPTY = "template0"


@pytest_asyncio.fixture
async def previous(pytestconfig: pytest.Config) -> AsyncIterator[Release]:
    """Return the code of the commit that `--previous` names, else of the last release."""
    ref = pytestconfig.getoption("previous") or await last_release()
    if not ref:
        pytest.skip("there is no release yet; `make fault PREVIOUS=<commit>` takes any commit for one")
    with tempfile.TemporaryDirectory(prefix="sr-previous-") as folder:
        yield await unpack(ref, Path(folder))


@pytest_asyncio.fixture
async def blank(product_template: Postgres, nats: Nats) -> AsyncIterator[Product]:
    """Return an installation without a schema."""
    async with open_product(product_template, nats, EMPTY) as opened:
        yield opened


@pytest.mark.invariant("I32")
@pytest.mark.thorough
@pytest.mark.timeout(300)
async def test_rolling_upgrade_and_return_with_both_releases_at_work_keeps_every_promise(
    blank: Product, previous: Release
) -> None:
    """Schema first, then one service after the other, the old one of each still beside it; at last all the way back."""
    current, history = Release(ROOT), History()
    await previous.migrate(blank)
    for service in SERVICES:
        await previous.start(blank, service)
    async with connected(blank) as channel:
        person = await sign_up(blank, channel)
        await _work(blank, person, history)
        await current.migrate(blank)
        for service in SERVICES:
            await _replace(blank, service, previous, current)
            await _work(blank, person, history)
            await _work(blank, person, history, workspace="beside-workspace", session="beside-session")
        for service in SERVICES:
            await _replace(blank, service, current, previous)
        await _work(blank, person, history)
    await complete(blank.installation.admin_url)
    assert await broken(blank.installation.admin_url, history) == []


async def _replace(product: Product, service: str, old: Release, new: Release) -> None:
    """Put the new release where a service is called by others, and keep the old one beside it."""
    beside = f"beside-{service}"
    if beside in product.processes:
        await product.kill(beside)
    await old.start(product, service, replica=beside)
    await product.kill(service)
    await new.start(product, service)


async def _work(
    product: Product, person: Person, history: History, *, workspace: str = "workspace", session: str = "session"
) -> None:
    """Do a day's work by means of two processes; where there is none of a name, the main one does it."""
    workspace, session = (
        name if name in product.processes else name.removeprefix("beside-") for name in (workspace, session)
    )
    async with connected(product, workspace) as rooms, connected(product, session) as sessions:
        acting = Person(product, rooms, person.user_id, person.key, person.secret)
        work = workload(acting, sessions)
        work.history = history
        await work.use_keys()
        await work.use_room()
