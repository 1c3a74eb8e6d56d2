"""I16: one time of a schedule, one decision, however many replicas look, whoever dies, and whatever people change."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from stateroom.execution.v1 import trigger_pb2
from stateroom.execution.v1 import trigger_service_pb2 as pb

from chassis import ids
from chassis.actor import Actor
from chassis.service import open_service
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.execution.composition.engine import REGISTRY, open_engine
from services.execution.expressions import Evaluation
from services.execution.settings import ExecutionSettings
from services.execution.triggers import operations, queries
from services.execution.triggers.schedule import MisfireRule, Schedule
from services.execution.triggers.scheduler import Scheduler
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.places import first_and_thorough
from tests.support.waiting import PATIENCE, until

if TYPE_CHECKING:
    from services.execution.executions.domain import Failure

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.invariant("I16")]

YEAR: Steps = [{"key": "year", "wait": {"duration": "30000000s"}}]
FAR = {"cron": "0 0 29 2 *"}
BEGIN = datetime(2027, 3, 10, tzinfo=UTC)
DAYS = 30
"""Of a virtual clock, with the night in which clocks are put forward."""
_SET = "UPDATE triggers SET next_time = $2 WHERE trigger_id = $1"


@dataclass
class Clock:
    """What time it is for all replicas."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        """Return what time it is."""
        return self.now


@pytest_asyncio.fixture(loop_scope="session")
async def stage(template: Postgres, nats: Nats) -> AsyncIterator[ExecutionStage]:
    """Return a service of which a test starts the processes."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as opened,
    ):
        yield opened


async def _scheduler(stage: ExecutionStage, clock: Clock, stack: AsyncExitStack) -> Scheduler:
    """Return the scheduler of one more replica, in this process."""
    described = stage.installation.settings("execution", workspace_address="127.0.0.1:1", event_sources="")
    settings = ExecutionSettings(**described)
    service = await open_service("execution", settings, REGISTRY, stack)
    evaluation = Evaluation()
    stack.push_async_callback(evaluation.close)
    return Scheduler(service.database, service.system, evaluation, open_engine(service, evaluation, {}, 0), clock)


async def _made(stage: ExecutionStage, schedule: dict[str, str], begin: datetime) -> trigger_pb2.Trigger:
    """Return a trigger as somebody would have made it at a time."""
    made = await stage.trigger(await stage.workflow(YEAR), schedule=schedule)
    rule = MisfireRule[schedule.get("misfireRule", "LATEST")]
    first = Schedule(schedule["cron"], schedule["timeZone"], rule).next(begin)
    await stage.rows(_SET, made.trigger_id, first)
    return made


@pytest.mark.parametrize("rule", first_and_thorough(["LATEST", "NONE", "ALL"]))
async def test_month_with_three_replicas_that_come_and_go_has_one_decision_for_each_time(
    stage: ExecutionStage, rule: str
) -> None:
    """They look at once, or none of them for hours; the night in which the clock is put forward is among them."""
    await stage.replica(LOG_LEVEL="ERROR")
    wanted = {"cron": "30 2,14 * * *", "timeZone": "Europe/Berlin", "misfireRule": rule}
    made = await _made(stage, wanted, BEGIN)
    await stage.first.kill()
    schedule = Schedule(wanted["cron"], wanted["timeZone"], MisfireRule[rule])
    clock, chance = Clock(), random.Random(rule)  # noqa: S311  # the same month each time
    async with AsyncExitStack() as stack:
        replicas = [await _scheduler(stage, clock, stack) for _ in range(3)]
        while clock.now < BEGIN + timedelta(days=DAYS):
            if chance.random() < 0.5:  # as often on time as not
                clock.now = (schedule.next(clock.now) or clock.now) + timedelta(seconds=chance.randint(0, 50))
            else:
                clock.now += timedelta(minutes=chance.choice((1, 30, 700, 4000)))
            await asyncio.gather(*(each.sweep() for each in chance.sample(replicas, chance.randint(1, 3))))
    rows = await stage.rows("SELECT * FROM trigger_occurrences ORDER BY time")
    assert [row["time"] for row in rows] == schedule.newest(BEGIN, clock.now, 1000)
    started = [row["execution_id"] for row in rows if row["decision"] == "STARTED"]
    stored = await stage.rows("SELECT execution_id FROM executions WHERE trigger_id = $1", made.trigger_id)
    assert sorted(started) == sorted(row["execution_id"] for row in stored)
    skipped = len(rows) - len(started)
    assert (skipped == 0) == (rule == "ALL")
    assert started


@pytest.mark.parametrize("place", first_and_thorough(["database.before_commit", "database.after_commit"]))
async def test_replica_that_dies_while_it_decides_neither_loses_nor_doubles(stage: ExecutionStage, place: str) -> None:
    """Before the commit nothing has happened, and another decides; after it all has."""
    await stage.replica(LOG_LEVEL="ERROR")
    made = await stage.trigger(await stage.workflow(YEAR), schedule=FAR)
    await stage.call("DisableTrigger", pb.DisableTriggerRequest(trigger_id=made.trigger_id))
    await stage.first.close()
    stage.replicas.pop()
    enable = "UPDATE triggers SET state = 'ENABLED', enable_time = now(), next_time = $2 WHERE trigger_id = $1"
    await stage.rows(enable, made.trigger_id, datetime(2024, 2, 29, tzinfo=UTC))
    victim = await stage.replica(FAULT=f"{place}:1:kill", LOG_LEVEL="ERROR")
    assert await asyncio.wait_for(victim.process.wait(), PATIENCE) == -signal.SIGKILL
    decided = await stage.rows("SELECT decision FROM trigger_occurrences")
    assert [row["decision"] for row in decided] == ([] if place.endswith("before_commit") else ["STARTED"])
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="ERROR")

    async def runs() -> bool:
        return bool(await stage.rows("SELECT FROM step_executions WHERE state = 'WAITING'"))

    await until(runs)
    (occurrence,) = await stage.occurrences(made.trigger_id)
    (execution,) = await stage.rows("SELECT execution_id FROM executions")
    assert occurrence.execution_id == str(execution["execution_id"])


async def test_time_that_a_clock_shows_again_is_not_decided_about_again(stage: ExecutionStage) -> None:
    """A replica whose clock is behind passes on to a time that another has had; nothing starts twice."""
    await stage.replica(LOG_LEVEL="ERROR")
    made = await stage.trigger(await stage.workflow(YEAR), schedule=FAR)
    for _ in range(2):
        await stage.rows(_SET, made.trigger_id, datetime(2024, 2, 29, tzinfo=UTC))

        async def passed_on() -> bool:
            return not await stage.rows("SELECT FROM triggers WHERE next_time < now()")

        await until(passed_on)
    assert len(await stage.occurrences(made.trigger_id)) == 1
    assert len(await stage.rows("SELECT FROM executions")) == 1


async def test_update_of_a_schedule_whose_time_is_over_tells_what_it_skips(stage: ExecutionStage) -> None:
    """What nobody had decided about when it was disabled is told, and never started by who had read it before."""
    await stage.replica(LOG_LEVEL="ERROR")
    made = await stage.trigger(await stage.workflow(YEAR), schedule=FAR)
    await stage.first.kill()  # so that nobody decides before it is disabled
    await stage.replicas.pop().channel.close(None)
    await stage.rows(_SET, made.trigger_id, datetime(2020, 2, 29, tzinfo=UTC))
    async with AsyncExitStack() as stack:
        scheduler = await _scheduler(stage, Clock(datetime.now(UTC)), stack)
        actor = Actor(stage.account_id, str(stage.user_id))
        trigger_id, database = ids.parse(made.trigger_id), scheduler.database
        stale = await database.read(actor, queries.get_trigger, trigger_id=trigger_id)
        change = {"inputs": {"a": "1"}}
        await database.write(actor, operations.update_trigger, trigger_id=trigger_id, values=change, etag="*")
        times, now = stale.due(scheduler.clock()), scheduler.clock()
        given: dict[datetime, dict[str, Any] | Failure] = {time: {} for time in times}  # as it was before the change
        decide, owner = operations.decide_times, scheduler.engine.owner
        late = await database.write(actor, decide, trigger=stale, times=times, inputs=given, now=now, owner=owner)
        assert late == []
        await database.write(actor, operations.disable_trigger, trigger_id=trigger_id, etag="")
        await scheduler.sweep()
    rows = await stage.rows("SELECT decision, reason FROM trigger_occurrences ORDER BY time")
    assert [tuple(row) for row in rows] == [("SKIPPED", "TRIGGER_CHANGED")] * 2
    assert await stage.rows("SELECT FROM executions") == []
