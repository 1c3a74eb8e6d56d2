"""Limits of how many executions run at once: held by any number of engines, and the same chance for each account."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import trigger_service_pb2 as trigger_pb

from chassis import ids
from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.integration.execution.test_approvals import approve
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.refusals import refused
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
LIMIT = 3
"""Executions of an account that run at a time."""
SHORT: Steps = [{"key": "a", "noop": {}}, {"key": "b", "wait": {"duration": "0.01s"}}]
ASKS: Steps = [{"key": "ask", "approval": {"message": "Go on?"}}]
_NEVER = (datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def limited_stage(template: Postgres, nats: Nats) -> AsyncIterator[ExecutionStage]:
    """Return two replicas of a service that limits accounts, for the tests of this module."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as opened,
    ):
        for _ in range(2):
            await opened.replica(LOG_LEVEL="WARNING", EXECUTION_LIMIT=str(LIMIT), TRIGGER_LIMIT="2")
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def stage(limited_stage: ExecutionStage) -> ExecutionStage:
    """Return the same to somebody new."""
    limited_stage.account_id = ids.new()
    return limited_stage


def most_at_once(times: list[tuple[datetime, datetime]]) -> int:
    """Return how many of the times had a moment in common."""
    changes = sorted([(begin, 1) for begin, _ in times] + [(end, -1) for _, end in times])
    return max(accumulate(change for _, change in changes))


async def times_of(stage: ExecutionStage, statement: str, *arguments: Any) -> list[tuple[datetime, datetime]]:
    """Return from when until when executions ran."""
    rows = await stage.rows(f"SELECT start_time, end_time FROM executions WHERE {statement}", *arguments)  # noqa: S608  # text of a test
    return [tuple(row) for row in rows]


async def states(stage: ExecutionStage, started: list[execution_pb2.Execution]) -> list[str]:
    """Return the states of executions."""
    return [State.Name((await stage.get(each.execution_id)).state) for each in started]


@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=st.lists(st.integers(0, 2), min_size=1, max_size=3), order=st.lists(st.integers(0, 3), max_size=14))
async def test_any_executions_never_run_more_at_once_than_their_limits(
    stage: ExecutionStage, limits: list[int], order: list[int]
) -> None:
    """Started on either replica, of limited workflows and of none, all end; at no moment were there too many."""
    stage.account_id = ids.new()
    families = [await stage.workflow(SHORT, max_concurrent_executions=limit) for limit in limits]
    started = []
    for number in order:
        stage.replicas.reverse()
        if number < len(families):
            started.append(await stage.begin(execution_pb2.Execution(workflow_id=families[number])))
        else:
            started.append(await stage.start(SHORT))
    assert {each.state for each in started} <= {State.PENDING}
    ended = [await stage.ended(each) for each in started]
    assert {each.state for each in ended} <= {State.COMPLETED}
    assert most_at_once([*await times_of(stage, "account_id = $1", stage.account_id)] or [_NEVER]) <= LIMIT
    for family, limit in zip(families, limits, strict=True):
        times = await times_of(stage, "parent_workflow_id = $1::uuid", family)
        assert most_at_once(times or [_NEVER]) <= (limit or LIMIT)


async def test_executions_of_an_account_do_not_hold_up_those_of_another(stage: ExecutionStage) -> None:
    """Of one account more wait than may run; the first one of another begins all the same."""
    many = [await stage.start(ASKS) for _ in range(LIMIT + 3)]

    async def are_full() -> bool:
        return (await states(stage, many)).count("RUNNING") == LIMIT

    await until(are_full)
    busy, stage.account_id = stage.account_id, ids.new()
    ended = await stage.ended(await stage.start(SHORT))
    assert ended.state == State.COMPLETED
    stage.account_id = busy
    assert (await states(stage, many)).count("PENDING") == 3


async def test_execution_of_a_higher_priority_begins_before_those_that_wait_longer(stage: ExecutionStage) -> None:
    """When one may begin it is the most urgent, then the oldest."""
    family = await stage.workflow(ASKS, max_concurrent_executions=1)
    first = await stage.begin(execution_pb2.Execution(workflow_id=family))

    async def asks() -> bool:
        return await stage.states(first.execution_id) == {"ask": "WAITING"}

    await until(asks)
    waiting = [
        await stage.begin(execution_pb2.Execution(workflow_id=family, priority=priority)) for priority in (0, 0, 5, -5)
    ]
    assert await states(stage, waiting) == ["PENDING"] * 4
    order = [waiting[2], waiting[0], waiting[1], waiting[3]]
    for before, after in zip([first, *order], order, strict=False):
        await stage.call("ApproveStep", approve(before))

        async def runs(execution: execution_pb2.Execution = after) -> bool:
            return await stage.states(execution.execution_id) == {"ask": "WAITING"}

        await until(runs)
        assert (await states(stage, waiting)).count("RUNNING") == 1


async def test_execution_that_waits_is_cancelled_without_a_start(stage: ExecutionStage) -> None:
    """No step of it begins, and it has no start time."""
    running = [await stage.start(ASKS) for _ in range(LIMIT)]

    async def are_full() -> bool:
        return await states(stage, running) == ["RUNNING"] * LIMIT

    await until(are_full)
    waits = await stage.start(ASKS)
    cancelled = await stage.call("CancelExecution", pb.CancelExecutionRequest(execution_id=waits.execution_id))
    assert (cancelled.state, cancelled.HasField("start_time")) == (State.CANCELLED, False)
    assert await stage.steps(waits.execution_id) == {}


async def test_workflow_inside_itself_does_not_wait_for_its_own_end(stage: ExecutionStage) -> None:
    """Executions that are steps of others count for no limit, so that nothing waits for what waits for it."""
    inner = await stage.workflow(SHORT, max_concurrent_executions=1)
    steps: Steps = [{"key": f"run_{number}", "workflow": {"workflowId": inner}} for number in range(2)]
    outer = await stage.workflow([{"key": "all", "parallel": {"steps": ["run_0", "run_1"]}}, *steps])
    started = [await stage.begin(execution_pb2.Execution(workflow_id=outer)) for _ in range(LIMIT + 1)]
    assert {(await stage.ended(each)).state for each in started} == {State.COMPLETED}


async def test_list_executions_by_states_person_family_and_end(stage: ExecutionStage) -> None:
    """Each filter leaves out what it has to; by the end, pages go on where they stopped."""
    family = await stage.workflow(SHORT)
    first = [await stage.begin(execution_pb2.Execution(workflow_id=family)) for _ in range(3)]
    for each in first:
        await stage.ended(each)
    asking = await stage.start(ASKS)
    mine, active = {each.execution_id for each in first}, {asking.execution_id}

    async def listed(**wanted: Any) -> list[str]:
        answer = await stage.call("ListExecutions", pb.ListExecutionsRequest(**wanted))
        return [each.execution_id for each in answer.executions]

    assert set(await listed(states=[State.PENDING, State.RUNNING])) == active
    assert set(await listed(states=[State.COMPLETED, State.FAILED])) == mine
    assert set(await listed(parent_workflow_id=family)) == mine
    assert set(await listed(user_id=str(stage.user_id))) == mine | active
    assert await listed(user_id=str(ids.new())) == []
    ends = {each.execution_id: (await stage.get(each.execution_id)).end_time.ToDatetime() for each in first}
    by_end = sorted(ends, key=lambda execution_id: ends[execution_id], reverse=True)
    request = pb.ListExecutionsRequest(order_by="end_time desc", page_size=2)
    page = await stage.call("ListExecutions", request)
    request.page_token = page.next_page_token
    rest = await stage.call("ListExecutions", request)
    assert [each.execution_id for each in [*page.executions, *rest.executions]] == by_end


async def test_trigger_beyond_the_limit_of_its_account_is_refused_until_one_is_deleted(stage: ExecutionStage) -> None:
    """Two at once for the last place: one of them gets it."""
    family = await stage.workflow(SHORT)
    first = await stage.trigger(family, schedule={"cron": "0 0 29 2 *"})
    rivals = [stage.trigger(family, schedule={"cron": "0 0 29 2 *"}) for _ in range(2)]
    answers = await asyncio.gather(*rivals, return_exceptions=True)
    assert sum(isinstance(each, BaseException) for each in answers) == 1
    refusal = await refused(stage.trigger(family, schedule={"cron": "0 0 29 2 *"}))
    assert (refusal.reason, refusal.values["limit"]) == ("TRIGGER_LIMIT_REACHED", "2")
    await stage.call("DeleteTrigger", trigger_pb.DeleteTriggerRequest(trigger_id=first.trigger_id))
    await stage.trigger(family, schedule={"cron": "0 0 29 2 *"})
