"""Executions that go on from others: what had completed there is kept, the rest runs."""

from typing import Any

import pytest
from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as execution_pb
from stateroom.execution.v1 import fork_service_pb2 as pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
STEPS: Steps = [
    {"key": "each", "loop": {"items": "[1, 2]", "steps": ["turn"]}},
    {"key": "turn", "data": {}, "inputs": {"n": "item"}},
    {"key": "middle", "data": {}, "inputs": {"n": "steps.each.output[1].n"}},
    {"key": "last", "data": {}, "inputs": {"n": "10 / (steps.middle.output.n - inputs.minus)"}},
]
"""The last step fails when its divisor is 0."""


async def made(stage: ExecutionStage, minus: int) -> execution_pb2.Execution:
    """Return an execution that has ended."""
    return await stage.ended(await stage.start(STEPS, given={"minus": minus}))


async def ends_of(stage: ExecutionStage, execution: execution_pb2.Execution) -> dict[str, Any]:
    """Return when the steps of an execution ended, by their paths."""
    return {path: step.end_time.ToNanoseconds() for path, step in (await stage.steps(execution.execution_id)).items()}


async def fork(stage: ExecutionStage, execution: execution_pb2.Execution, path: str, **instead: Any) -> Any:
    """Return an execution, ended, that went on from another at a step."""
    request = pb.ForkExecutionRequest(execution_id=execution.execution_id, path=path)
    return await stage.ended(await stage.call("ForkExecution", ParseDict(instead, request)))


async def test_retry_of_a_failed_execution_runs_only_what_had_not_completed(stage: ExecutionStage) -> None:
    """The steps that had completed have the ends that they had, those inside a loop too; the others fail again."""
    failed = await made(stage, 2)
    assert (failed.state, failed.failure.path) == (State.FAILED, "last")
    retry = pb.RetryExecutionRequest(execution_id=failed.execution_id)
    again = await stage.ended(await stage.call("RetryExecution", retry))
    assert (again.state, again.steps_completed, again.steps_failed) == (State.FAILED, 4, 1)
    assert (again.origin_execution_id, again.origin_path) == (failed.execution_id, "")
    before, after = await ends_of(stage, failed), await ends_of(stage, again)
    assert before.keys() == after.keys()
    assert {path for path in before if before[path] != after[path]} == {"last"}
    assert (await stage.get(failed.execution_id)).state == State.FAILED


async def test_retry_from_a_step_runs_it_and_what_depends_on_it(stage: ExecutionStage) -> None:
    """What stands before it is kept."""
    failed = await made(stage, 2)
    retry = pb.RetryExecutionRequest(execution_id=failed.execution_id, path="middle")
    again = await stage.ended(await stage.call("RetryExecution", retry))
    before, after = await ends_of(stage, failed), await ends_of(stage, again)
    assert {path for path in before if before[path] != after[path]} == {"middle", "last"}


async def test_fork_with_another_input_or_output_goes_on_with_that(stage: ExecutionStage) -> None:
    """A step is given something else, or is not run because its output is given; the origin stays as it was."""
    failed = await made(stage, 2)
    given = await fork(stage, failed, "middle", input={"n": 12})
    assert MessageToDict(given.output) == {"n": 1}
    said = await fork(stage, failed, "middle", output={"n": 4})
    assert MessageToDict(said.output) == {"n": 5}
    kept = (await stage.steps(said.execution_id))["middle"]
    assert (kept.state, MessageToDict(kept.output)) == (execution_pb2.StepExecution.COMPLETED, {"n": 4})
    over = await fork(stage, failed, "last", output={"n": 1})
    assert (over.state, over.steps_completed) == (State.COMPLETED, 5)
    onward = await fork(stage, given, "last")
    assert MessageToDict(onward.output) == {"n": 1}


async def test_fork_repeated_by_its_request_id_is_one_execution(stage: ExecutionStage) -> None:
    """The second call answers with the execution of the first."""
    failed = await made(stage, 2)
    retry = pb.RetryExecutionRequest(execution_id=failed.execution_id, request_id=str(ids.new()))
    answers = [await stage.call("RetryExecution", retry) for _ in range(2)]
    assert answers[0].execution_id == answers[1].execution_id
    listed = await stage.call("ListExecutions", execution_pb.ListExecutionsRequest())
    assert len(listed.executions) == 2


async def test_fork_of_a_limited_workflow_waits_as_any_other(stage: ExecutionStage) -> None:
    """It begins when the one that runs has ended, with what it kept."""
    family = await stage.workflow(
        [*STEPS[:3], {"key": "ask", "approval": {"message": "Go on?"}}], max_concurrent_executions=1
    )
    first = await stage.begin(execution_pb2.Execution(workflow_id=family))
    request = pb.ForkExecutionRequest(
        execution_id=first.execution_id, path="ask", output=struct_pb2.Value(bool_value=True)
    )
    waits = await stage.call("ForkExecution", request)
    assert waits.state == State.PENDING
    await stage.call("CancelExecution", execution_pb.CancelExecutionRequest(execution_id=first.execution_id))
    assert (await stage.ended(waits)).output.bool_value


@pytest.mark.parametrize(
    ("path", "instead", "field"),
    [("turn", {}, "path"), ("nothing", {}, "path"), ("each", {"input": {"n": 1}}, "input")],
)
async def test_fork_at_a_step_that_is_not_possible_is_refused(
    stage: ExecutionStage, path: str, instead: dict[str, Any], field: str
) -> None:
    """A step inside another, none at all, or inputs for one that takes none; nothing is started."""
    completed = await made(stage, 1)
    refusal = await refused(fork(stage, completed, path, **instead))
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", (field,))
    assert len((await stage.call("ListExecutions", execution_pb.ListExecutionsRequest())).executions) == 1


async def test_retry_of_a_completed_execution_is_refused(stage: ExecutionStage) -> None:
    """There is nothing to be tried again."""
    completed = await made(stage, 1)
    retry = pb.RetryExecutionRequest(execution_id=completed.execution_id)
    assert (await refused(stage.call("RetryExecution", retry))).reason == "EXECUTION_NOT_RETRIABLE"
