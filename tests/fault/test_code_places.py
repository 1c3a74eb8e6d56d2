"""An engine that dies while code of a step runs: who follows joins it, so it has run once."""

import asyncio
import signal
from typing import Any

import pytest
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub

from tests.support.execution_stage import definition
from tests.support.people import connected, sign_up
from tests.support.places import passed_by, start_armed
from tests.support.product import Product
from tests.support.saves import files_of
from tests.support.waiting import PATIENCE

SOURCE = """
def main(inputs):
    with open("begun", "a") as file:
        file.write("a")
    return "done"
"""


@pytest.mark.thorough
@pytest.mark.invariant("I13")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", passed_by("code", 1))
async def test_engine_that_dies_around_code_has_run_it_once(product: Product, place: str) -> None:
    """The execution completes with what the code returned, under the engine that is started then."""
    await product.start("workspace")
    async with connected(product) as channel, connected(product, "execution") as executions:
        person = await sign_up(product, channel)
        room = await person.ready_room()
        victim = await start_armed(product, "execution", f"{place}:1:kill", event_sources="")
        stub: Any = ExecutionServiceStub(executions)
        code = {"workspaceId": room.workspace_id, "language": "PYTHON", "source": SOURCE}
        wanted = execution_pb2.Execution(definition=definition([{"key": "run", "code": code}]))
        sent: dict[str, Any] = {"metadata": person.metadata, "timeout": PATIENCE, "wait_for_ready": True}
        started = await stub.StartExecution(pb.StartExecutionRequest(execution=wanted), **sent)
        assert await asyncio.wait_for(victim.wait(), PATIENCE) == -signal.SIGKILL
        await product.start("execution", event_sources="")
        execution = started
        watch = pb.WatchExecutionRequest(execution_id=started.execution_id)
        async for news in stub.WatchExecution(watch, **sent):
            execution = news.execution
        assert (execution.state, execution.output.string_value) == (execution_pb2.Execution.COMPLETED, "done")
        assert (files_of(person, room) / "begun").read_text() == "a"
