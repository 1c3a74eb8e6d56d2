"""Counts of executions: of those that are meant, and of nobody else's."""

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as executions
from stateroom.execution.v1 import statistics_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflows

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
QUICK: Steps = [{"key": "a", "wait": {"duration": "0.1s"}}]
WRONG: Steps = [{"key": "a", "data": {}, "inputs": {"x": "inputs.nothing"}}]
YEAR: Steps = [{"key": "year", "wait": {"duration": "30000000s"}}]


async def _counted(stage: ExecutionStage, **filters: object) -> pb.ExecutionStatistics:
    counted: pb.ExecutionStatistics = await stage.call(
        "GetExecutionStatistics",
        pb.GetExecutionStatisticsRequest(**filters),  # type: ignore[arg-type]  # fields of it
    )
    return counted


async def test_get_execution_statistics_counts_what_there_is(stage: ExecutionStage) -> None:
    """By state; the mean is of what completed, and the rate of what ended."""
    none = await _counted(stage)
    assert (none.total, none.HasField("success_rate"), list(none.by_state)) == (0, False, [])
    for steps in (QUICK, QUICK, WRONG):
        await stage.ended(await stage.start(steps))
    running = await stage.start(YEAR)
    counted = await _counted(stage)
    states = {each.state: each.count for each in counted.by_state}
    assert (counted.total, states) == (4, {State.COMPLETED: 2, State.FAILED: 1, State.RUNNING: 1})
    assert counted.success_rate == pytest.approx(2 / 3)
    assert counted.mean_duration.ToTimedelta() >= timedelta(seconds=0.1)
    await stage.call("CancelExecution", executions.CancelExecutionRequest(execution_id=running.execution_id))
    assert (await _counted(stage)).success_rate == pytest.approx(1 / 2)


async def test_get_execution_statistics_of_some_leaves_the_others_out(stage: ExecutionStage) -> None:
    """A version, its family, a person, a window; what is not there has none, and is no error."""
    first = await stage.create(QUICK)
    active = await stage.call("ActivateWorkflow", workflows.ActivateWorkflowRequest(workflow_id=first.workflow_id))
    await stage.ended(await stage.begin(execution_pb2.Execution(workflow_id=active.workflow_id)))
    await stage.ended(await stage.start(QUICK))
    assert (await _counted(stage)).total == 2
    assert (await _counted(stage, workflow_id=first.workflow_id)).total == 1
    assert (await _counted(stage, parent_workflow_id=first.parent_workflow_id)).total == 1
    assert (await _counted(stage, user_id=str(stage.user_id))).total == 2
    for filters in (
        {"workflow_id": str(ids.new())},
        {"parent_workflow_id": str(ids.new())},
        {"user_id": str(ids.new())},
    ):
        assert (await _counted(stage, **filters)).total == 0
    await stage.rows("UPDATE executions SET create_time = now() - interval '40 days' WHERE workflow_id IS NOT NULL")
    assert (await _counted(stage)).total == 1
    assert (await _counted(stage, window=Duration(seconds=50 * 86_400))).total == 2
    refusal = await refused(_counted(stage, window=Duration(seconds=0)))
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", ("window",))
