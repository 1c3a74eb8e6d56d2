"""Executions that are steps of others: started once, seen when they end, and never left behind."""

import pytest
from google.protobuf.json_format import MessageToDict
from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb

from tests.support.execution_stage import ExecutionStage, Steps, definition
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
DOUBLE: Steps = [
    {"key": "rest", "wait": {"duration": "0.1s"}},
    {"key": "double", "data": {}, "inputs": {"n": "inputs.n * 2"}},
]
YEAR: Steps = [{"key": "year", "wait": {"duration": "30000000s"}}]


async def active(stage: ExecutionStage, steps: Steps) -> str:
    """Make a workflow that can be run; returns its id."""
    made = await stage.create(steps)
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id))
    return str(made.workflow_id)


async def children(stage: ExecutionStage, parent: execution_pb2.Execution) -> list[execution_pb2.Execution]:
    """Return the executions that are steps of another."""
    request = pb.ListExecutionsRequest(parent_execution_id=parent.execution_id, page_size=200)
    return list((await stage.call("ListExecutions", request)).executions)


async def begun(stage: ExecutionStage, steps: Steps, count: int = 1) -> execution_pb2.Execution:
    """Start steps, and return when so many executions run as some of them."""
    started = await stage.start(steps)

    async def run() -> bool:
        return len(await children(stage, started)) == count

    await until(run)
    return started


async def all_cancelled(stage: ExecutionStage, parent: execution_pb2.Execution) -> bool:
    """Whether nothing runs any more as a step of an execution."""
    return all(child.state == State.CANCELLED for child in await children(stage, parent))


async def test_workflow_step_ends_with_the_output_of_its_execution(stage: ExecutionStage) -> None:
    """In a loop, one execution for each turn; each names its parent and the step, and has who started it all."""
    workflow_id = await active(stage, DOUBLE)
    steps: Steps = [
        {"key": "each", "loop": {"items": "[1, 2, 3]", "steps": ["run"], "concurrency": 2}},
        {"key": "run", "workflow": {"workflowId": workflow_id}, "inputs": {"n": "item"}},
    ]
    ended = await stage.ended(await stage.start(steps))
    assert (ended.state, MessageToDict(ended)["output"]) == (State.COMPLETED, [{"n": 2.0}, {"n": 4.0}, {"n": 6.0}])
    found = await children(stage, ended)
    assert sorted(child.parent_path for child in found) == ["each[0]/run", "each[1]/run", "each[2]/run"]
    assert {child.user_id for child in found} == {str(stage.user_id)}


async def test_workflow_step_runs_the_version_that_is_active_when_it_begins(stage: ExecutionStage) -> None:
    """Whichever version of the workflow it names; what is activated meanwhile is not what runs."""
    workflow_id = await active(stage, YEAR)
    steps: Steps = [{"key": "run", "workflow": {"workflowId": workflow_id}}]
    started = await begun(stage, steps)
    first = await stage.call("GetWorkflow", workflow_pb.GetWorkflowRequest(workflow_id=workflow_id))
    change = workflow_pb.UpdateWorkflowRequest(
        workflow_id=workflow_id,
        workflow=workflow_pb2.Workflow(definition=definition([{"key": "nothing", "noop": {}}])),
        etag=first.etag,
    )
    change.update_mask.paths.append("definition")
    second = await stage.call("UpdateWorkflow", change)
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=second.workflow_id))
    assert (await stage.ended(await stage.start(steps))).state == State.COMPLETED
    (pinned,) = await children(stage, started)
    assert (pinned.workflow_id, pinned.state) == (workflow_id, State.RUNNING)


async def test_workflow_step_fails_with_its_execution_and_tries_again_with_another(stage: ExecutionStage) -> None:
    """Each attempt has one of its own, and the failure says why."""
    workflow_id = await active(stage, [{"key": "bad", "data": {}, "inputs": {"n": "inputs.nothing"}}])
    step = {"key": "run", "workflow": {"workflowId": workflow_id}, "onError": "RETRY", "retryCount": 2}
    ended = await stage.ended(await stage.start([step | {"retryDelay": "0.01s"}]))
    assert (ended.state, ended.failure.reason) == (State.FAILED, "EXECUTION_FAILED")
    assert "nothing" in ended.failure.message
    assert len(await children(stage, ended)) == 3


async def test_workflow_step_of_a_workflow_that_is_not_active_or_not_there_fails(stage: ExecutionStage) -> None:
    """With the reason that a person would get who starts it."""
    draft = (await stage.create(DOUBLE)).workflow_id
    for workflow_id, reason in ((draft, "WORKFLOW_IN_WRONG_STATE"), (stage.user_id, "WORKFLOW_NOT_FOUND")):
        ended = await stage.ended(await stage.start([{"key": "run", "workflow": {"workflowId": str(workflow_id)}}]))
        assert (ended.state, ended.failure.reason) == (State.FAILED, reason)


async def test_workflow_that_runs_itself_ends_at_the_limit(stage: ExecutionStage) -> None:
    """The innermost fails, and all around it with the reason of what is inside."""
    draft = await stage.create(YEAR)
    change = workflow_pb.UpdateWorkflowRequest(
        workflow_id=draft.workflow_id,
        workflow=workflow_pb2.Workflow(
            definition=definition([{"key": "run", "workflow": {"workflowId": draft.workflow_id}}])
        ),
        etag=draft.etag,
    )
    change.update_mask.paths.append("definition")
    await stage.call("UpdateWorkflow", change)
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=draft.workflow_id))
    wanted = execution_pb2.Execution(workflow_id=draft.workflow_id)
    ended = await stage.ended(await stage.begin(wanted))
    assert (ended.state, ended.failure.reason) == (State.FAILED, "EXECUTION_FAILED")
    assert "16 executions are around it" in ended.failure.message
    rows = await stage.rows("SELECT depth FROM executions WHERE workflow_id = $1", draft.workflow_id)
    assert sorted(row["depth"] for row in rows) == list(range(17))


@pytest.mark.invariant("I17")
async def test_cancel_execution_ends_everything_inside_it_at_once(stage: ExecutionStage) -> None:
    """When the answer is there, nothing of it runs."""
    inner = await active(stage, YEAR)
    outer = await active(stage, [{"key": "run", "workflow": {"workflowId": inner}}])
    started = await begun(stage, [{"key": "run", "workflow": {"workflowId": outer}}])
    (child,) = await children(stage, started)

    async def run_inside() -> bool:
        return bool(await children(stage, child))

    await until(run_inside)
    await stage.call("CancelExecution", pb.CancelExecutionRequest(execution_id=started.execution_id))
    assert await all_cancelled(stage, started)
    assert await all_cancelled(stage, child)


async def test_execution_whose_time_is_up_ends_what_is_inside_it(stage: ExecutionStage) -> None:
    """As one that is cancelled."""
    inner = await active(stage, YEAR)
    wanted = execution_pb2.Execution(definition=definition([{"key": "run", "workflow": {"workflowId": inner}}]))
    wanted.timeout.FromMilliseconds(1500)
    ended = await stage.ended(await stage.begin(wanted))
    assert ended.state == State.TIMED_OUT
    assert await all_cancelled(stage, ended)


async def test_step_beside_one_that_failed_ends_its_execution(stage: ExecutionStage) -> None:
    """What nobody waits for any more is cancelled."""
    inner = await active(stage, YEAR)
    steps: Steps = [
        {"key": "both", "parallel": {"steps": ["run", "pause", "bad"]}},
        {"key": "run", "workflow": {"workflowId": inner}},
        {"key": "pause", "wait": {"duration": "0.5s"}},
        {"key": "bad", "dependsOn": ["pause"], "data": {}, "inputs": {"n": "inputs.nothing"}},
    ]
    ended = await stage.ended(await stage.start(steps))
    assert ended.state == State.FAILED

    async def cancelled() -> bool:
        return await all_cancelled(stage, ended)

    await until(cancelled)


async def test_child_that_is_cancelled_fails_its_step(stage: ExecutionStage) -> None:
    """At once, though its parent slept."""
    inner = await active(stage, YEAR)
    started = await begun(stage, [{"key": "run", "workflow": {"workflowId": inner}}])
    (child,) = await children(stage, started)
    await stage.call("CancelExecution", pb.CancelExecutionRequest(execution_id=child.execution_id))
    ended = await stage.ended(started)
    assert (ended.state, ended.failure.reason) == (State.FAILED, "EXECUTION_CANCELLED")
