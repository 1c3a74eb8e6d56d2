"""Turns: accounts have them one after the other, whatever somebody does with theirs."""

import asyncio
from uuid import UUID

import pytest

from chassis import ids
from services.execution.turns import Turns

LOUD, QUIET, THIRD = ids.new(), ids.new(), ids.new()


class Line:
    """Those who want a turn, in the order in which they came, and those who had one."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.had: list[UUID] = []

    async def have(self, account_id: UUID) -> None:
        """Have a turn."""
        async with self.turns.turn(account_id):
            self.had.append(account_id)
            await asyncio.sleep(0)

    async def have_and_fail(self, account_id: UUID) -> None:
        """Have a turn in which something goes wrong."""
        async with self.turns.turn(account_id):
            raise KeyError(account_id)


async def test_turns_of_accounts_alternate_however_many_one_wants() -> None:
    """Who wants one thing waits for one of the others' at most."""
    line = Line()
    async with asyncio.TaskGroup() as group, line.turns.turn(LOUD):
        for account_id in [LOUD] * 3 + [QUIET, THIRD, THIRD]:
            group.create_task(line.have(account_id))
        await asyncio.sleep(0)  # each has begun, as far as it can
    assert line.had == [LOUD, QUIET, THIRD, LOUD, THIRD, LOUD]


async def test_turn_that_nobody_wants_any_more_goes_to_the_next() -> None:
    """Also when it is given up at the moment at which it comes."""
    line = Line()
    async with asyncio.TaskGroup() as group:
        async with line.turns.turn(LOUD):
            first, second, _ = [group.create_task(line.have(each)) for each in (LOUD, QUIET, THIRD)]
            await asyncio.sleep(0)
            second.cancel()
        first.cancel()  # it has the turn, and has not run since
    async with asyncio.timeout(1), line.turns.turn(QUIET):
        assert line.had == [THIRD]


async def test_turn_that_ends_with_an_error_goes_to_the_next() -> None:
    """Nobody holds it for ever."""
    line = Line()
    with pytest.raises(KeyError):
        await line.have_and_fail(LOUD)
    await line.have(QUIET)
    assert line.had == [QUIET]
