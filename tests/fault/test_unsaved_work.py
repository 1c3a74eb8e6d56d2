"""No path deletes unsaved work: through the whole product, for every state of git and every path on which work goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from stateroom.workspace.v1 import save_pb2

from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.checkouts import STATES, make_every_checkout
from tests.support.people import Person, newcomer
from tests.support.product import Product, serving_product
from tests.support.saves import (
    age,
    at_rest,
    expect_restored,
    purged,
    saves_of,
    settled,
    until_cleaned_up,
    vault_of,
    worked_in,
)
from tests.support.source import query

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(180)]
Save = save_pb2.Save
_DAMAGE = """
UPDATE save_chunks SET data = set_byte(data, 9, 255 - get_byte(data, 9))
WHERE pack_id IN (SELECT pack_id FROM save_packs WHERE workspace_id = $1) RETURNING 1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["directory", "database"])
async def vaults_product(
    request: pytest.FixtureRequest, product_template: Postgres, nats: Nats
) -> AsyncIterator[Product]:
    """Return an installation that keeps saves in either place."""
    async with serving_product(product_template, nats, request.param) as opened:
        yield opened


@pytest_asyncio.fixture
async def person(vaults_product: Product) -> AsyncIterator[Person]:
    """Return somebody new."""
    async with newcomer(vaults_product) as created:
        yield created


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def every_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkout in every state of git."""
    folder = tmp_path_factory.mktemp("states")
    await make_every_checkout(folder)
    return folder


async def test_delete_archived_workspace_saves_it_once_and_for_both(person: Person, every_checkout: Path) -> None:
    """It can be restored while the workspace is there and when it is gone; between the two nothing had changed."""
    room, held = await worked_in(person, every_checkout)
    await person.archive_room(room)
    save = await settled(person, room)
    assert (save.state, save.cause, save.repositories >= len(STATES)) == (Save.COMPLETE, Save.ARCHIVE, True)
    await expect_restored(person, save, held)
    await at_rest(person, room)
    await person.delete_room(room)
    await purged(person, room)
    (kept,) = await saves_of(person, room)
    assert (kept.save_id, kept.state) == (save.save_id, Save.COMPLETE)
    await expect_restored(person, kept, held)


async def test_delete_workspace_in_use_saves_what_was_done_to_the_end(person: Person, every_checkout: Path) -> None:
    """What runs ends first; then everything is saved, and only then anything goes."""
    room, held = await worked_in(person, every_checkout)
    await person.create_session(room)
    await person.delete_room(room, force=True)
    assert (await settled(person, room)).cause == Save.DELETE
    await purged(person, room)
    (save,) = await saves_of(person, room)
    await expect_restored(person, save, held)


async def test_clean_up_and_purge_of_a_workspace_leave_its_save(person: Person, every_checkout: Path) -> None:
    """Nobody asked for it to go, so nobody had a reason to look whether it was saved."""
    room, held = await worked_in(person, every_checkout)
    await person.archive_room(room)
    save = await settled(person, room)
    await at_rest(person, room)
    await age(person, "workspaces", "update_time", room.workspace_id)
    await until_cleaned_up(person, room)
    await purged(person, room)
    await expect_restored(person, save, held)


async def test_purge_workspace_whose_save_is_damaged_saves_it_again_first(person: Person, every_checkout: Path) -> None:
    """A save that cannot be read from end to end is none."""
    room, held = await worked_in(person, every_checkout)
    await person.delete_room(room)
    await settled(person, room)
    for pack in vault_of(person, room).glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:-100] + bytes(100))
    await query(person.product.installation.url("workspace_system"), _DAMAGE, room.workspace_id)
    await purged(person, room)
    good, bad = await saves_of(person, room)
    assert (bad.state, bad.state_reason) == (Save.FAILED, "what was saved is damaged")
    await expect_restored(person, good, held)
