"""One runner in each room, whoever starts it, whoever dies meanwhile, and however many ask at once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import grpc
import pytest
import pytest_asyncio

from tests.support import waiting
from tests.support.people import Person, connected, newcomer, refused
from tests.support.product import Product
from tests.support.waiting import PATIENCE

ROUNDS = 3
"""How often rivals meet."""


@pytest_asyncio.fixture
async def two_replicas(product: Product) -> AsyncIterator[tuple[Person, Person]]:
    """Return somebody as two workspace services on one database and one folder of rooms see them."""
    await product.start("workspace")
    await product.start("workspace", replica="replica")
    async with newcomer(product) as person, connected(product, "replica") as channel:
        yield person, replace(person, channel=channel)


async def _frozen_runner(product: Product) -> int:
    """Return the process of a runner that was stopped as soon as it was there, long before it announced itself."""
    async with asyncio.timeout(PATIENCE):
        while not (found := product.runners()):  # noqa: ASYNC110  # a process that appears sends no event
            await asyncio.sleep(0)
    os.kill(found[0], signal.SIGSTOP)
    return found[0]


@pytest.mark.thorough
async def test_get_runner_after_the_service_died_while_starting_one_finds_that_one(product: Product) -> None:
    """A runner that was forked and had not announced itself when its service was killed is waited for, not doubled."""
    await product.start("workspace")
    async with newcomer(product) as person, asyncio.TaskGroup() as group:
        room = await person.ready_room()
        await person.kill_runner(room)
        asked = group.create_task(refused(person.runner(room)))
        pid = await _frozen_runner(product)
        assert product.runner_of(room.workspace_id) is None
        await product.kill("workspace")
        assert (await asked).code is grpc.StatusCode.UNAVAILABLE
        await product.start("workspace")
        await person.settled(room)
        again = group.create_task(person.runner(room))
        os.kill(pid, signal.SIGCONT)
        found = await again
        announced = product.runner_of(room.workspace_id)
        assert product.runners() == [pid]
        assert announced is not None
        assert (announced.pid, announced.runner_id) == (pid, found.runner_id)


async def test_get_runner_by_two_replicas_at_once_starts_one(two_replicas: tuple[Person, Person]) -> None:
    """Both answer with the same runner, and no other one runs."""
    one, other = two_replicas
    room = await one.ready_room()
    for _ in range(ROUNDS):
        await one.kill_runner(room)
        found = await asyncio.gather(*(person.runner(room) for person in (one, other, one, other)))
        assert len({runner.runner_id for runner in found}) == 1
        assert len(one.product.runners()) == 1


@pytest.mark.thorough
async def test_get_runner_of_a_workspace_deleted_meanwhile_starts_none(two_replicas: tuple[Person, Person]) -> None:
    """A deletion that commits after GetRunner looked at the workspace leaves no runner behind."""
    one, other = two_replicas
    room = await one.ready_room()
    await one.kill_runner(room)
    async with asyncio.TaskGroup() as group:
        async with _runners_locked(one.product) as waiters:
            asked = group.create_task(refused(one.runner(room)))
            await waiting.until(lambda: waiters(1))
            await other.delete_room(room, force=True)
            await waiting.until(lambda: waiters(2))
        assert (await asked).reason == "WORKSPACE_NOT_ACTIVE"
    assert one.product.runners() == []


@asynccontextmanager
async def _runners_locked(product: Product) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    """Keep everybody from the rows of runners; gives a check whether so many wait for them."""
    connection = await asyncpg.connect(product.installation.admin_url)
    statement = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'workspace.runners'::regclass"

    async def wait_for_it(wanted: int) -> bool:
        return bool(await connection.fetchval(statement) >= wanted)

    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE workspace.runners IN ACCESS EXCLUSIVE MODE")
            yield wait_for_it
    finally:
        await connection.close()
