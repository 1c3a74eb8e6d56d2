"""The reconciler: rows that are due are worked on until they are as they should be, by one claimant at a time."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest

from chassis import ids
from chassis.errors import ServiceUnavailable
from chassis.reconcile import Claim, Reconciler
from tests.support.source import Source, query
from tests.support.waiting import running, until

LEASE = 1.0  # seconds


class Work:
    """What a test lets the reconciler do: the next answer for each attempt, then None."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self.answers = list(answers)
        self.claims: list[Claim] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self, claim: Claim) -> float | None:
        """Answer."""
        self.claims.append(claim)
        await self.may_go_on.wait()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def chore(source: Source) -> UUID:
    """Return the one row of a table of chores, which is due."""
    admin, chore_id = source.installation.admin_url, ids.new()
    await query(
        admin,
        "CREATE TABLE workspace.chores (chore_id uuid, account_id uuid, reconcile_time timestamptz DEFAULT now(),"
        " reconcile_epoch bigint DEFAULT 0, reconcile_attempts integer DEFAULT 0)",
    )
    await query(admin, "GRANT SELECT, UPDATE ON workspace.chores TO workspace_system")
    await query(admin, "INSERT INTO workspace.chores VALUES ($1, $2)", chore_id, ids.new())
    return chore_id


def _reconciler(source: Source, work: Work) -> Reconciler:
    return Reconciler("workspace", "chores", "chore_id", source.service.system, work, lease=LEASE)


async def _due(source: Source) -> datetime | None:
    rows = await query(source.installation.admin_url, "SELECT reconcile_time FROM workspace.chores")
    due: datetime | None = rows[0]["reconcile_time"]
    return due


async def _settled(source: Source) -> bool:
    return await _due(source) is None


@pytest.mark.parametrize("answer", [0.01, ServiceUnavailable("runner"), RuntimeError("canary")])
async def test_work_that_is_not_done_is_tried_again_until_it_is(
    source: Source, chore: UUID, answer: float | Exception
) -> None:
    """A row stays due for as long as its work says so or fails, and no longer."""
    work = Work(answer)
    async with running(_reconciler(source, work).run):
        await until(lambda: _settled(source))
    assert [(claim.entity_id, claim.attempts) for claim in work.claims] == [(chore, 1), (chore, 2)]
    assert {claim.actor.subject for claim in work.claims} == {"service:workspace"}


@pytest.mark.usefixtures("chore")
async def test_work_that_takes_longer_than_its_lease_stays_with_its_claimant(source: Source) -> None:
    """A living claimant is not followed by another, however long it takes."""
    work, rival = Work(), Work()
    work.may_go_on.clear()
    reconciler, other = _reconciler(source, work), _reconciler(source, rival)

    async def claimed() -> bool:
        return bool(work.claims)

    dues: set[datetime | None] = set()

    async def renewed() -> bool:
        dues.add(await _due(source))
        return len(dues) > 8

    async with running(reconciler.run):
        await until(claimed)
        async with running(other.run):
            await until(renewed)
            work.may_go_on.set()
            await until(lambda: _settled(source))
    assert (len(work.claims), rival.claims) == (1, [])


@pytest.mark.usefixtures("chore")
async def test_work_on_a_row_that_changed_meanwhile_settles_nothing(source: Source) -> None:
    """Who changes what a row says voids the claim, and the row is worked on as it says now."""
    work = Work()
    work.may_go_on.clear()

    async def claimed() -> bool:
        return bool(work.claims)

    async with running(_reconciler(source, work).run):
        await until(claimed)
        await query(
            source.installation.admin_url,
            "UPDATE workspace.chores SET reconcile_time = now(), reconcile_epoch = reconcile_epoch + 1",
        )
        work.may_go_on.set()
        await until(lambda: _settled(source))
    assert [claim.epoch for claim in work.claims] == [1, 3]
