"""I13 to I15: an engine dies wherever two steps meet, and no execution is lost, started twice or left to nobody."""

import asyncio
import signal
from contextlib import suppress

import grpc
import pytest
from stateroom.execution.v1 import approval_service_pb2 as approvals
from stateroom.execution.v1 import execution_pb2

from chassis import ids
from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.integration.execution.test_approvals import approve
from tests.integration.execution.test_children import active
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.places import first_and_thorough, passed_by
from tests.support.sites import ALLOWED, Site, open_site
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

INNER: Steps = [{"key": "rest", "wait": {"duration": "0.1s"}}, {"key": "done", "noop": {}}]
STEPS: Steps = [
    {"key": "first", "noop": {}},
    {"key": "both", "parallel": {"steps": ["left", "right"]}},
    {"key": "left", "wait": {"duration": "0.1s"}},
    {"key": "right", "noop": {}},
    {"key": "each", "loop": {"items": "[1, 2]", "steps": ["turn"], "concurrency": 2}},
    {"key": "turn", "noop": {}},
    {"key": "inner", "workflow": {"workflowId": ""}},
    {"key": "post", "api": {"url": "", "method": "POST"}},
    {"key": "ask", "approval": {"message": "Go on?"}},
    {"key": "last", "wait": {"duration": "0.1s"}},
]
COMPLETED = 11
"""Steps that have completed in the end: each turn of the loop is one."""
EXECUTIONS = 5
_UNFINISHED = "SELECT count(*) FROM step_executions WHERE end_time IS NULL"
_EXECUTIONS = "SELECT count(*) FROM executions WHERE parent_execution_id IS {}NULL"


def _steps(workflow_id: str, site: Site) -> Steps:
    filled = {"workflow": {"workflowId": workflow_id}, "api": {"url": f"'{site.url}/'", "method": "POST"}}
    return [{name: filled.get(name, value) for name, value in step.items()} for step in STEPS]


async def _start_all(stage: ExecutionStage, steps: Steps, request_ids: list[str]) -> list[execution_pb2.Execution]:
    return [await stage.start(steps, request_id=request_id) for request_id in request_ids]


async def _approve_all(stage: ExecutionStage, started: list[execution_pb2.Execution]) -> None:
    """Answer whatever asks, until nothing is left that could."""

    async def are_answered() -> bool:
        for each in (each for each in started if each.execution_id not in answered):
            pending = await stage.call("ListApprovals", approvals.ListApprovalsRequest(execution_id=each.execution_id))
            for _ in pending.approvals:
                await stage.call("ApproveStep", approve(each))
                answered.add(each.execution_id)
        return len(answered) == len(started)

    answered = set[str]()
    await until(are_answered)


@pytest.mark.invariant("I13")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", first_and_thorough(passed_by("executions", 1)))
async def test_engine_that_dies_at_a_place_is_followed_and_loses_nothing(
    template: Postgres, nats: Nats, place: str, rounds: int
) -> None:
    """Started again by the same request ids, there is one execution for each, and all steps of it have ended once.

    What a step asks others for is recognised by its key, which is the same whoever asks.
    """
    settings = {"LOG_LEVEL": "ERROR", "EGRESS_ALLOWED": f"{ALLOWED}/32"}
    if place.startswith("queue."):
        settings["EXECUTION_LIMIT"] = str(EXECUTIONS)  # fewer could wait for answers while others wait for them
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as stage,
        open_site() as site,
    ):
        site.answer("/", b"{}")
        for number in range(1, rounds + 1):
            request_ids = [str(ids.new()) for _ in range(EXECUTIONS)]
            victim = await stage.replica(FAULT=f"{place}:{number}:kill", **settings)
            steps = _steps(await active(stage, INNER), site)
            with suppress(grpc.aio.AioRpcError):  # who dies answers nothing
                await _start_all(stage, steps, request_ids)
            assert await asyncio.wait_for(victim.process.wait(), PATIENCE) == -signal.SIGKILL
            await stage.replicas.pop().channel.close(None)
            await stage.replica(**settings)
            started = await _start_all(stage, steps, request_ids)
            await _approve_all(stage, started)
            for each in started:
                ended = await stage.ended(each)
                assert (ended.state, ended.steps_completed) == (execution_pb2.Execution.COMPLETED, COMPLETED)
            await stage.replicas.pop().close()
            for kind in ("", "NOT "):
                assert (await stage.rows(_EXECUTIONS.format(kind)))[0][0] == number * EXECUTIONS
            assert (await stage.rows(_UNFINISHED))[0][0] == 0
            assert len({headers["idempotency-key"] for _, headers, _ in site.asked}) == number * EXECUTIONS
