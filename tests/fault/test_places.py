"""I1 to I4, I7: a process dies at each named place between two steps, and nothing is lost, repeated or left behind."""

import asyncio

import pytest

from tests.support.judge import broken, complete
from tests.support.people import Person, connected, sign_up
from tests.support.places import Victim, passed_by
from tests.support.product import SERVICES, Product
from tests.support.source import query
from tests.support.waiting import until
from tests.support.workload import Workload, workload

SOME = 2
"""Places at which `make test` lets each service die."""


@pytest.mark.invariant("I1")
@pytest.mark.timeout(400)
async def test_crash_at_every_place_of_every_service_heals(
    product: Product, rounds: int, pytestconfig: pytest.Config
) -> None:
    """While people work, each service dies wherever two steps meet; in each round one pass later.

    `make test` has each die at its first places only.
    """
    some = None if pytestconfig.getoption("thorough") else SOME
    await product.start("workspace")
    async with connected(product) as channel, connected(product, "session") as sessions:
        person = await sign_up(product, channel)
        work = workload(person, sessions)
        for number in range(1, rounds + 1):
            victims = [Victim(product, service, passed_by(service, number)[:some], number) for service in SERVICES]
            await _work_until_all_died(work, victims)
            died = [victim.died_at for victim in victims]
            await complete(product.installation.admin_url, said=str(died))
            assert await broken(product.installation.admin_url, work.history) == [], died
        await until(lambda: _without_runners(product))
        await _names_are_there_once(product, person, work)


async def _work_until_all_died(work: Workload, victims: list[Victim]) -> None:
    async with asyncio.TaskGroup() as group:
        dying = [group.create_task(victim.run()) for victim in victims]
        while not all(task.done() for task in dying):
            await work.use_keys()
            await work.use_room()


async def _without_runners(product: Product) -> bool:
    return not product.runners()


async def _names_are_there_once(product: Product, person: Person, work: Workload) -> None:
    """However often a wish was repeated, there is one of what it wished for."""
    rows = await query(
        product.installation.admin_url,
        "SELECT name FROM workspace.workspaces WHERE account_id = $1"
        " UNION ALL SELECT name FROM workspace.api_keys WHERE account_id = $1 AND name <> 'first key'",
        person.user_id,
    )
    assert sorted(row["name"] for row in rows) == sorted(work.names)
