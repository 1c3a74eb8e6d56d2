"""I16: a change that a trigger waits for starts one execution; chains of triggers end."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from stateroom.execution.v1 import deployment_pb2, execution_pb2, trigger_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import trigger_service_pb2 as trigger_pb

from chassis import ids
from chassis.settings import ServiceSettings
from chassis.system import open_system_database
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.execution.changes.deleted_teams import DeletedTeams
from services.execution.changes.domain import DEPTH
from tests.integration.execution.test_deployments import endpoint
from tests.support.changes import change
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.places import first_and_thorough
from tests.support.refusals import refused
from tests.support.waiting import PATIENCE, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.invariant("I16")]

SOURCES = {"EVENT_SOURCES": "execution", "LOG_LEVEL": "ERROR"}
"""The service's own changes, which it consumes as it does those of others."""
ECHO: Steps = [{"key": "echo", "data": {}, "inputs": {"of": "inputs.of", "was": "inputs.was"}}]
INPUTS = {"of": "event.after.name", "was": "event.before.state + event.after.state + event.type"}
NOOP: Steps = [{"key": "nothing", "noop": {}}]
Decision = trigger_pb2.Occurrence.Decision


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def serving(template: Postgres, nats: Nats) -> AsyncIterator[ExecutionStage]:
    """Return a service that consumes its own changes, for the tests of this module."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as opened,
    ):
        await opened.replica(**SOURCES)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(serving: ExecutionStage) -> ExecutionStage:
    """Return the same to somebody new."""
    serving.account_id = ids.new()
    return serving


async def _decided(stage: ExecutionStage, trigger_id: str, count: int) -> list[trigger_pb2.Occurrence]:
    """Return decisions, oldest first, once there are as many."""

    async def decided() -> bool:
        return len(await stage.occurrences(trigger_id)) >= count

    await until(decided, seconds=PATIENCE)
    return (await stage.occurrences(trigger_id))[::-1]


async def _settled(stage: ExecutionStage) -> None:
    """Wait until every change that happened has been consumed and decided about."""
    head = "SELECT (SELECT count(*) FROM outbox) + (SELECT position FROM relay_head)"
    done = "SELECT position FROM cursors WHERE source = 'execution'"

    async def settled() -> bool:
        (total,), (seen,) = (await stage.rows(head))[0], (await stage.rows(done))[0]
        return bool(seen >= total) and not await stage.rows("SELECT FROM trigger_events")

    await until(settled, seconds=PATIENCE)


async def _trigger(stage: ExecutionStage, steps: Steps, event: dict[str, Any], **values: Any) -> trigger_pb2.Trigger:
    return await stage.trigger(await stage.workflow(steps), event=event, **values)


async def test_change_starts_an_execution_with_what_its_expressions_give(stage: ExecutionStage) -> None:
    """Those of the kind, the type and for which the condition is true; the execution says how deep it is."""
    fits = {"entityType": "execution", "changeTypes": ["completed"], "condition": "event.after.name == 'first'"}
    made = await _trigger(stage, ECHO, fits, inputs=INPUTS)
    for name in ("other", "first"):
        await stage.ended(await stage.start(NOOP, name=name))
    (told,) = await _decided(stage, made.trigger_id, 1)
    assert (told.decision, told.reason) == (Decision.STARTED, "")
    ended = await stage.ended(await stage.call("GetExecution", pb.GetExecutionRequest(execution_id=told.execution_id)))
    assert dict(ended.output.struct_value) == {"of": "first", "was": "RUNNINGCOMPLETEDcompleted"}
    assert (ended.trigger_id, ended.trigger_depth, ended.user_id) == (made.trigger_id, 1, str(stage.user_id))
    await _settled(stage)
    assert len(await stage.occurrences(made.trigger_id)) == 1


async def test_change_of_one_resource_is_no_concern_of_a_trigger_for_another(stage: ExecutionStage) -> None:
    """Neither are those of other accounts, nor what happened before the trigger was enabled."""
    early = await stage.ended(await stage.start(NOOP))
    running = await stage.start([{"key": "a", "wait": {"duration": "30000000s"}}])
    wanted = {"entityType": "execution", "entityId": running.execution_id}
    made = await _trigger(stage, NOOP, wanted)
    every = await _trigger(stage, NOOP, {"entityType": "execution", "changeTypes": ["cancelled"]})
    mine, stage.account_id = stage.account_id, ids.new()
    strange = await stage.start([{"key": "a", "wait": {"duration": "30000000s"}}])
    await stage.call("CancelExecution", pb.CancelExecutionRequest(execution_id=strange.execution_id))
    stage.account_id = mine
    await stage.call("CancelExecution", pb.CancelExecutionRequest(execution_id=running.execution_id))
    assert early.state == execution_pb2.Execution.COMPLETED
    for trigger_id in (made.trigger_id, every.trigger_id):
        assert [each.decision for each in await _decided(stage, trigger_id, 1)] == [Decision.STARTED]
    await _settled(stage)
    assert [len(await stage.occurrences(each.trigger_id)) for each in (made, every)] == [1, 1]


async def test_trigger_that_waits_for_what_it_leads_to_is_stopped(stage: ExecutionStage) -> None:
    """After sixteen executions, each set off by the one before; the last decision says why."""
    made = await _trigger(stage, NOOP, {"entityType": "execution", "changeTypes": ["completed"]})
    await stage.start(NOOP)
    told = await _decided(stage, made.trigger_id, DEPTH + 1)
    assert [each.decision for each in told] == [Decision.STARTED] * DEPTH + [Decision.SKIPPED]
    assert told[-1].reason == "TRIGGER_LOOP"
    await _settled(stage)
    listed = (await stage.call("ListExecutions", pb.ListExecutionsRequest(page_size=200))).executions
    assert sorted(each.trigger_depth for each in listed) == list(range(DEPTH + 1))


async def test_change_for_which_an_expression_has_no_value_is_told(stage: ExecutionStage) -> None:
    """Of the condition as of what is given; what is not true or false by its type is refused when it is made."""
    completed = {"entityType": "execution", "changeTypes": ["completed"]}
    unclear = await _trigger(stage, NOOP, completed | {"condition": "event.after.nothing"})
    wrong = await _trigger(stage, NOOP, completed, inputs={"a": "event.before.nothing"})
    await stage.start(NOOP)
    for made in (unclear, wrong):
        told = await _decided(stage, made.trigger_id, 1)
        assert (told[0].decision, told[0].reason) == (Decision.FAILED, "EXPRESSION_FAILED")
    refusal = await refused(_trigger(stage, NOOP, completed | {"condition": "1 + 1"}))
    assert (refusal.reason, refusal.fields) == ("INVALID_EXPRESSION", ("trigger.event.condition",))


async def test_disabled_trigger_waits_for_nothing(stage: ExecutionStage) -> None:
    """What happens meanwhile is not made up for."""
    made = await _trigger(stage, NOOP, {"entityType": "workflow", "changeTypes": ["created"]})
    await stage.call("DisableTrigger", trigger_pb.DisableTriggerRequest(trigger_id=made.trigger_id))
    await stage.create(NOOP)
    await _settled(stage)
    await stage.call("EnableTrigger", trigger_pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    created = await stage.create(NOOP)
    (told,) = await _decided(stage, made.trigger_id, 1)
    await _settled(stage)
    assert (told.decision, len(await stage.occurrences(made.trigger_id))) == (Decision.STARTED, 1)
    assert told.time.ToDatetime() >= created.create_time.ToDatetime()


@pytest.mark.parametrize(
    "place", first_and_thorough(["consumer.before_commit", "consumer.after_commit", "reconcile.after_work"])
)
async def test_replica_that_dies_with_a_change_neither_loses_nor_doubles(
    template: Postgres, nats: Nats, place: str
) -> None:
    """Where changes are kept, or decided about: another replica goes on, and each change starts one execution."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as stage,
    ):
        await stage.replica(LOG_LEVEL="ERROR")  # which consumes nothing
        made = await _trigger(stage, NOOP, {"entityType": "workflow", "changeTypes": ["activated"]})
        for _ in range(5):
            await stage.workflow(NOOP)
        await stage.first.kill()
        await stage.replicas.pop().channel.close(None)
        victim = await stage.replica(**SOURCES, FAULT=f"{place}:1:kill")
        assert await asyncio.wait_for(victim.process.wait(), PATIENCE) == -signal.SIGKILL
        await stage.replicas.pop().channel.close(None)
        await stage.replica(**SOURCES)
        told = await _decided(stage, made.trigger_id, 5)
        await _settled(stage)
        rows = await stage.rows("SELECT execution_id FROM executions")
        assert sorted(str(row["execution_id"]) for row in rows) == sorted(each.execution_id for each in told)
        assert len(await stage.occurrences(made.trigger_id)) == 5  # and not of what was activated before it was made


async def test_deletion_of_a_team_ends_what_runs_in_its_account_and_what_begins_after_it(stage: ExecutionStage) -> None:
    """Who was let in a moment before may still begin something; what others run goes on."""
    team, other, closed = ids.new(), stage.account_id, []
    wait: Steps = [{"key": "wait", "wait": {"duration": "3600s"}}]
    others = await stage.start(wait)
    stage.account_id = team
    opened = await endpoint(stage)
    for begun in ("before", "after", "again"):
        trigger = await stage.trigger(await stage.workflow(NOOP), name=begun, schedule={"cron": "0 0 29 2 *"})
        await stage.call("EnableTrigger", trigger_pb.EnableTriggerRequest(trigger_id=trigger.trigger_id))
        closed.append((trigger.trigger_id, await stage.start(wait)))
        async with open_system_database(ServiceSettings(**stage.installation.settings("execution"))) as system:
            deleted = [change(team, 1, entity_type="team", entity_id=str(team), type="deleted")]
            async with system.connection() as connection:
                await DeletedTeams(lambda: None).apply(connection, deleted)
        for trigger_id, running in closed:
            assert (await stage.ended(running)).state == execution_pb2.Execution.CANCELLED
            found = await stage.call("GetTrigger", trigger_pb.GetTriggerRequest(trigger_id=trigger_id))
            assert found.state == trigger_pb2.Trigger.DISABLED
    assert (await opened.get()).state == deployment_pb2.Deployment.STOPPED
    stage.account_id = other
    assert (await stage.get(others.execution_id)).state == execution_pb2.Execution.RUNNING
