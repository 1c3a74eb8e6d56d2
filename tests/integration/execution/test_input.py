"""What executions are given fits the schema of what they run, whoever gives it."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb

from tests.support.execution_stage import ExecutionStage
from tests.support.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "sizes"],
    "properties": {"name": {"type": "string", "pattern": "^(a+)+$"}, "sizes": {"items": {"$ref": "#/$defs/size"}}},
    "$defs": {"size": {"type": "integer", "minimum": 1}},
}


def with_schema(schema: dict[str, Any]) -> workflow_pb2.Definition:
    """Return a definition of one step, whose executions are given what fits a schema."""
    return ParseDict({"steps": [{"key": "a", "noop": {}}], "inputSchema": schema}, workflow_pb2.Definition())


def given(value: dict[str, Any]) -> execution_pb2.Execution:
    """Return an execution as somebody wants it who gives it a value."""
    return ParseDict({"input": value}, execution_pb2.Execution(definition=with_schema(SCHEMA)))


async def test_start_with_an_input_that_does_not_fit_lists_every_problem(stage: ExecutionStage) -> None:
    """Each with its place; nothing is started. What fits is."""
    wrong = {"name": "a" * 5000 + "!", "sizes": [1, 0, "x"]}
    refusal = await refused(stage.begin(given(wrong)))
    places = {"execution.input.name", "execution.input.sizes[1]", "execution.input.sizes[2]"}
    assert (refusal.reason, set(refusal.fields)) == ("INVALID_INPUT", places)
    assert (await refused(stage.begin(given({})))).values["problems"] == "2"
    assert not (await stage.call("ListExecutions", pb.ListExecutionsRequest())).executions
    ended = await stage.ended(await stage.begin(given({"name": "aa", "sizes": [1, 2]})))
    assert ended.state == State.COMPLETED


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"properties": {"a": {"type": "number or so"}}}, ".properties.a.type"),
        ({"$ref": "http://127.0.0.1:1/schema"}, ""),
        ({"pattern": "("}, ".pattern"),
    ],
)
async def test_workflow_with_a_schema_that_is_none_is_refused(
    stage: ExecutionStage, schema: dict[str, Any], place: str
) -> None:
    """A wrong keyword, a reference to somewhere else, a pattern that cannot be read."""
    wanted = workflow_pb2.Workflow(name="a", definition=with_schema(schema))
    refusal = await refused(stage.call("CreateWorkflow", workflow_pb.CreateWorkflowRequest(workflow=wanted)))
    assert (refusal.reason, refusal.fields) == ("INVALID_WORKFLOW", (f"workflow.definition.input_schema{place}",))


async def test_workflow_step_that_gives_what_does_not_fit_fails_and_says_where(stage: ExecutionStage) -> None:
    """The inner execution fails before any of its steps begins; what is not asked from a person is checked then."""
    wanted = workflow_pb2.Workflow(name="inner", definition=with_schema(SCHEMA))
    inner = await stage.call("CreateWorkflow", workflow_pb.CreateWorkflowRequest(workflow=wanted))
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=inner.workflow_id))
    step = {"key": "run", "workflow": {"workflowId": inner.workflow_id}, "inputs": {"name": "'b'", "sizes": "[]"}}
    ended = await stage.ended(await stage.start([step]))
    assert ended.failure.reason == "EXECUTION_FAILED"
    (child,) = (
        await stage.call("ListExecutions", pb.ListExecutionsRequest(parent_execution_id=ended.execution_id))
    ).executions
    assert (child.failure.reason, child.steps_failed) == ("INVALID_INPUT", 0)
    assert child.failure.message.startswith("execution.input.name: ")
