"""Workflows: their versions, their lives, and everything that is wrong with them at once."""

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import workflow_service_pb2 as pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps, definition
from tests.support.refusals import Refusal, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = workflow_pb2.Workflow.State
NOTHING: Steps = [{"key": "nothing", "noop": {}}]


async def _refusal(stage: ExecutionStage, steps: Steps) -> Refusal:
    """Return how a workflow of these steps is refused."""
    return await refused(stage.create(steps))


async def _activate(stage: ExecutionStage, made: workflow_pb2.Workflow) -> workflow_pb2.Workflow:
    request = pb.ActivateWorkflowRequest(workflow_id=made.workflow_id)
    activated: workflow_pb2.Workflow = await stage.call("ActivateWorkflow", request)
    return activated


async def test_create_workflow_with_many_problems_names_each_with_its_field_and_step(stage: ExecutionStage) -> None:
    """A cycle, a missing step, a double key, a step in two places and a wrong retry: one answer has them all."""
    refusal = await _refusal(
        stage,
        [
            {"key": "a", "noop": {}, "dependsOn": ["b"]},
            {"key": "b", "noop": {}, "dependsOn": ["a"]},
            {"key": "c", "parallel": {"steps": ["d", "missing"]}},
            {"key": "e", "parallel": {"steps": ["d"]}},
            {"key": "d", "noop": {}, "onError": "RETRY"},
            {"key": "d", "noop": {}},
            {"key": "f", "loop": {"items": "[1]", "steps": ["g"]}},
            {"key": "g", "loop": {"items": "[1]", "steps": ["f"]}},
        ],
    )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_WORKFLOW")
    fields = {field.removeprefix("workflow.definition.") for field in refusal.fields}
    assert {
        "steps[0].depends_on",
        "steps[1].depends_on",
        "steps[2].parallel.steps",
        "steps[4].retry_count",
        "steps[4].key",
        "steps[5].key",
        "steps[6].key",
        "steps[7].key",
    } <= fields


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"condition": {"expression": "1 + 1", "then": ["later"]}}, "gives INT, not true or false"),
        ({"loop": {"items": "'text'", "steps": ["later"]}}, "gives STRING, not a list"),
        ({"data": {}, "inputs": {"n": "nobody + 1"}}, "undeclared reference to 'nobody'"),
        ({"data": {}, "inputs": {"n": "1 +"}}, "Syntax error"),
        ({"data": {}, "inputs": {"n": "steps.later.output"}}, "'later', which has not ended by then"),
        ({"data": {}, "inputs": {"n": "steps.unknown.output"}}, "'unknown', which is no step"),
        ({"data": {}, "inputs": {"n": "item"}}, "undeclared reference to 'item'"),
        ({"wait": {"duration": "1s"}, "timeout": "5s"}, "is a WAIT, which has no timeout"),
        ({"noop": {}, "inputs": {"n": "1"}}, "is a NOOP, which takes no inputs"),
        ({"api": {"url": "1 + 1"}}, "gives INT, not a text"),
        ({"api": {"url": "'a'", "headers": {"Authorization": "a"}}}, "a definition is no place for secrets"),
        (
            {"approval": {"message": "a"}, "onError": "RETRY", "retryCount": 1},
            "an APPROVAL, which cannot be tried again",
        ),
        ({"noop": {}, "retryCount": 3}, "is tried again only if `on_error` is RETRY"),
    ],
)
async def test_create_workflow_with_a_wrong_step_says_what_is_wrong_with_it(
    stage: ExecutionStage, step: dict[str, object], words: str
) -> None:
    """In words that help, with the key of the step."""
    refusal = await _refusal(stage, [{"key": "wrong", **step}, {"key": "later", "noop": {}}])
    assert refusal.reason == "INVALID_WORKFLOW"
    assert words in refusal.message
    assert "'wrong'" in refusal.message


@pytest.mark.parametrize("text", ["0s", "-1s", "315360000s"])
async def test_create_workflow_with_an_impossible_timeout_names_its_field(stage: ExecutionStage, text: str) -> None:
    """None, one before the beginning, and ten years."""
    refusal = await _refusal(stage, [*NOTHING, {"key": "wrong", "noop": {}, "timeout": text}])
    assert (refusal.reason, list(refusal.fields)) == ("INVALID_FIELD", ["workflow.definition.steps[1].timeout"])


async def test_create_workflow_that_is_only_validated_stores_nothing(stage: ExecutionStage) -> None:
    """The answer is what would be made."""
    wanted = workflow_pb2.Workflow(name="only", definition=definition(NOTHING))
    checked = await stage.call("CreateWorkflow", pb.CreateWorkflowRequest(workflow=wanted, validate_only=True))
    assert checked.state == State.DRAFT
    assert len((await stage.call("ListWorkflows", pb.ListWorkflowsRequest())).workflows) == 0


async def test_update_workflow_changes_a_draft_in_place_and_makes_the_next_version_of_an_active_one(
    stage: ExecutionStage,
) -> None:
    """The active version never changes; at most one of a family is active."""
    draft = await stage.create(NOTHING)
    change = pb.UpdateWorkflowRequest(
        workflow_id=draft.workflow_id,
        workflow=workflow_pb2.Workflow(description="better"),
        update_mask=FieldMask(paths=["description"]),
        etag=draft.etag,
    )
    changed = await stage.call("UpdateWorkflow", change)
    assert (changed.workflow_id, changed.description) == (draft.workflow_id, "better")
    first = await _activate(stage, draft)
    change.etag, change.workflow.description = first.etag, "better still"
    second = await stage.call("UpdateWorkflow", change)
    assert (second.version_number, second.parent_workflow_id, second.state) == (2, draft.workflow_id, State.DRAFT)
    await _activate(stage, second)
    listed = await stage.call("ListWorkflows", pb.ListWorkflowsRequest(parent_workflow_id=draft.workflow_id))
    assert [(each.version_number, each.state, each.description) for each in listed.workflows] == [
        (2, State.ACTIVE, "better still"),
        (1, State.INACTIVE, "better"),
    ]


async def test_start_execution_of_a_workflow_needs_an_active_one_and_keeps_its_version(stage: ExecutionStage) -> None:
    """A draft is refused; what runs is deleted without harm to the execution."""
    made = await stage.create(NOTHING)
    wanted = execution_pb2.Execution(workflow_id=made.workflow_id)
    assert (await refused(stage.begin(wanted))).reason == "WORKFLOW_IN_WRONG_STATE"
    await _activate(stage, made)
    ended = await stage.ended(await stage.begin(wanted))
    assert (ended.state, ended.workflow_id) == (execution_pb2.Execution.COMPLETED, made.workflow_id)
    await stage.call("DeleteWorkflow", pb.DeleteWorkflowRequest(workflow_id=made.workflow_id))
    assert (await refused(stage.begin(wanted))).reason == "WORKFLOW_NOT_FOUND"
    stage.account_id, owner = ids.new(), stage.account_id
    assert (await refused(stage.begin(wanted))).reason == "WORKFLOW_NOT_FOUND"  # nor is it anybody else's
    stage.account_id = owner
    undeleted = await stage.call("UndeleteWorkflow", pb.UndeleteWorkflowRequest(workflow_id=made.workflow_id))
    assert undeleted.state == State.INACTIVE
