"""I13 to I15: an engine dies wherever two steps meet, and no execution is lost, started twice or left to nobody."""

import asyncio
import signal
from contextlib import suppress

import grpc
import pytest
from stateroom.execution.v1 import execution_pb2

from chassis import ids
from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.places import first_and_thorough, passed_by
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

STEPS: Steps = [
    {"key": "first", "noop": {}},
    {"key": "both", "parallel": {"steps": ["left", "right"]}},
    {"key": "left", "wait": {"duration": "0.1s"}},
    {"key": "right", "noop": {}},
    {"key": "each", "loop": {"items": "[1, 2]", "steps": ["turn"], "concurrency": 2}},
    {"key": "turn", "noop": {}},
    {"key": "last", "wait": {"duration": "0.1s"}},
]
COMPLETED = 8
"""Steps that have completed in the end: each turn of the loop is one."""
EXECUTIONS = 5
_UNFINISHED = "SELECT count(*) FROM step_executions WHERE end_time IS NULL"


async def _start_all(stage: ExecutionStage, request_ids: list[str]) -> list[execution_pb2.Execution]:
    return [await stage.start(STEPS, request_id=request_id) for request_id in request_ids]


@pytest.mark.invariant("I13")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", first_and_thorough(passed_by("executions", 1)))
async def test_engine_that_dies_at_a_place_is_followed_and_loses_nothing(
    template: Postgres, nats: Nats, place: str, rounds: int
) -> None:
    """Started again by the same request ids, there is one execution for each, and all steps of it have ended once."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as stage,
    ):
        for number in range(1, rounds + 1):
            request_ids = [str(ids.new()) for _ in range(EXECUTIONS)]
            victim = await stage.replica(FAULT=f"{place}:{number}:kill", LOG_LEVEL="ERROR")
            with suppress(grpc.aio.AioRpcError):  # who dies answers nothing
                await _start_all(stage, request_ids)
            assert await asyncio.wait_for(victim.process.wait(), PATIENCE) == -signal.SIGKILL
            await stage.replicas.pop().channel.close(None)
            await stage.replica(LOG_LEVEL="ERROR")
            started = await _start_all(stage, request_ids)
            for each in started:
                ended = await stage.ended(each)
                assert (ended.state, ended.steps_completed) == (execution_pb2.Execution.COMPLETED, COMPLETED)
            await stage.replicas.pop().close()
            assert (await stage.rows("SELECT count(*) FROM executions"))[0][0] == number * EXECUTIONS
            assert (await stage.rows(_UNFINISHED))[0][0] == 0
