"""I1 to I5: whatever dies, is wiped or forged, each change is recorded once and in order, and nothing else is."""

import asyncio
import random
import secrets

import asyncpg
import pytest

from chassis import ids
from cli.client import Client
from tests.support.checkers import ledger_is_the_record
from tests.support.embedded_stack import EmbeddedStack
from tests.support.havoc import Havoc, Rogue, rogue
from tests.support.history import committed, lag, recorded
from tests.support.judge import broken, complete
from tests.support.sessions import create_workspace, opened_session
from tests.support.source import query
from tests.support.waiting import until
from tests.support.writers import Writers, writers

WRITERS, WIDENERS = 3, 2
WIDER = 20
"""Columns that each of the wideners adds in a round."""
CHANGES = 1000
"""Changes that are made at least in each round after the first, which ends when everything was done to it."""
BETWEEN = 25
"""Changes between two deeds."""


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """Return what decides over the order of things; `--seed` repeats a run as far as time allows."""
    return int(pytestconfig.getoption("seed") or secrets.randbits(32))


@pytest.mark.thorough
@pytest.mark.invariant("I1")
@pytest.mark.timeout(400)
async def test_changes_while_everything_dies_are_recorded_once_and_in_order(
    embedded_stack: EmbeddedStack, client: Client, rounds: int, seed: int
) -> None:
    """Every part is killed, the broker forgets, a stranger speaks; the ledger is what was committed and answered."""
    dice = random.Random(seed)  # noqa: S311  # a schedule, not a secret
    schedule: list[str] = []
    workspace = await create_workspace(client, f"wide-{ids.new().hex[-8:]}")
    async with (
        rogue(embedded_stack, dice) as stranger,
        writers(embedded_stack.api, dice) as writing,
        opened_session(client, workspace["workspaceId"]) as session_id,
    ):
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(writing.write_keys())
            for _ in range(WIDENERS):
                group.create_task(writing.widen(session_id, WIDER * rounds))
            for _ in range(rounds):
                await _do_everything(Havoc(embedded_stack), writing, stranger, schedule)
            await _reached(writing, CHANGES * (rounds - 1))
            writing.enough = True
        said = f"--seed {seed}: {', '.join(schedule)}"
        await complete(embedded_stack.admin_url, said=said)
        session = await client.get(f"/v1/sessions/{session_id}")
        assert session["columns"] == 80 + WIDENERS * WIDER * rounds, said
        assert await broken(embedded_stack.admin_url, writing.history, stranger.phantoms) == [], said
        await _refuses_and_counts(embedded_stack, stranger)


async def _do_everything(havoc: Havoc, writing: Writers, stranger: Rogue, schedule: list[str]) -> None:
    deeds = havoc.deeds()
    order = sorted(deeds)
    writing.dice.shuffle(order)
    await _reached(writing, writing.changes + BETWEEN)
    havoc.copy_broker()
    for name in order:
        await _reached(writing, writing.changes + BETWEEN)
        await _disturb(stranger)
        schedule.append(f"{name} after {writing.changes}")
        await deeds[name]()


async def _reached(writing: Writers, count: int) -> None:
    async def enough() -> bool:
        return writing.changes >= count

    await until(enough)


async def _disturb(stranger: Rogue) -> None:
    """Forge, repeat and roll back: one in ten transactions comes to nothing."""
    for _ in range(BETWEEN // 10 + 1):
        for deed in (stranger.forge, stranger.replay, stranger.roll_back):
            try:
                await deed()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                continue  # PostgreSQL is still on its way up


async def _refuses_and_counts(stack: EmbeddedStack, stranger: Rogue) -> None:
    """Each forged message is a line in the log of whoever heard it."""
    before = stack.logged("audit", "without a valid signature")

    async def counted() -> bool:
        await stranger.forge()
        return stack.logged("audit", "without a valid signature") >= before + 4

    await until(counted)


@pytest.mark.invariant("I3")
@pytest.mark.timeout(120)
async def test_tail_of_the_messages_is_lost_and_the_ledger_has_it_within_fifteen_seconds(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """The broker forgets the last messages, the consumer has not heard them, and nobody writes any more."""
    stack, havoc = embedded_stack, Havoc(embedded_stack)
    await complete(stack.admin_url)
    havoc.copy_broker()
    with stack.stopped("audit"):
        for number in range(20):
            await client.post("/v1/apiKeys", {"name": f"last {number}"})

        async def published() -> bool:
            rows = await query(
                stack.admin_url, "SELECT position = published_position AS done FROM workspace.relay_head"
            )
            return bool(rows[0]["done"]) and await lag(stack.admin_url, "workspace") == 20

        await until(published)
        await havoc.roll_back_broker()
    await complete(stack.admin_url)
    assert (
        ledger_is_the_record(
            await committed(stack.admin_url, "workspace"), await recorded(stack.admin_url, "workspace")
        )
        == []
    )
