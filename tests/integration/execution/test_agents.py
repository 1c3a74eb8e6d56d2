"""Agents: one step with a name, in versions, run once or by workflows."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import agent_pb2, execution_pb2, template_pb2
from stateroom.execution.v1 import agent_service_pb2 as pb
from stateroom.execution.v1 import execution_service_pb2 as execution_pb
from stateroom.execution.v1 import statistics_service_pb2 as statistics_pb
from stateroom.execution.v1 import template_service_pb2 as template_pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage
from tests.support.refusals import refused
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = agent_pb2.Agent.State
DOUBLE = {"data": {}, "inputs": {"n": "inputs.n * 2"}}
PARAMETERS = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0}},
    "required": ["n"],
    "additionalProperties": False,
}


def _of(agent: agent_pb2.Agent, **given: object) -> execution_pb2.Execution:
    return ParseDict({"agentId": agent.agent_id, "input": given}, execution_pb2.Execution())


async def test_start_execution_of_an_agent_runs_its_step_within_its_limits(stage: ExecutionStage) -> None:
    """It is one of the targets an execution can have; it takes no longer than its agent may."""
    agent = await stage.agent(DOUBLE, parameters=PARAMETERS, maxExecutionDuration="7s")
    ended = await stage.ended(await stage.begin(_of(agent, n=21)))
    assert (ended.state, MessageToDict(ended.output)) == (execution_pb2.Execution.COMPLETED, {"n": 42})
    assert (ended.agent_id, ended.workflow_id, ended.timeout.seconds) == (agent.agent_id, "", 7)
    assert agent.step.timeout.seconds == 7
    assert agent.max_memory == 512


@pytest.mark.parametrize(
    ("given", "field"),
    [({}, "execution.input"), ({"n": "x"}, "execution.input.n"), ({"n": 1, "m": 1}, "execution.input")],
)
async def test_start_execution_of_an_agent_with_an_input_that_does_not_fit_is_refused(
    stage: ExecutionStage, given: dict[str, object], field: str
) -> None:
    """What is missing, of another type, or too much, is named."""
    agent = await stage.agent(DOUBLE, parameters=PARAMETERS)
    refusal = await refused(stage.begin(_of(agent, **given)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")
    assert list(refusal.fields) == [field]


async def test_start_execution_of_an_agent_whose_parameters_are_too_much_work_harms_nobody(
    stage: ExecutionStage,
) -> None:
    """A thousand choices for each of many items: who looks at them is ended, and the service goes on."""
    many = {"type": "object", "properties": {"a": {"items": {"anyOf": [{"const": n} for n in range(900)]}}}}
    agent = await stage.agent({"data": {}}, parameters=many)
    assert (await refused(stage.begin(_of(agent, a=[5000] * 30_000)))).reason == "INVALID_INPUT"
    assert (await stage.ended(await stage.begin(_of(agent, a=[1])))).state == execution_pb2.Execution.COMPLETED


async def test_update_agent_changes_a_draft_in_place_and_makes_the_next_version_of_an_active_one(
    stage: ExecutionStage,
) -> None:
    """A workflow that names a version keeps it; sent back as it was read, nothing changes."""
    draft = await stage.agent(DOUBLE, activate=False)
    change = pb.UpdateAgentRequest(
        agent_id=draft.agent_id,
        agent=agent_pb2.Agent(description="better"),
        update_mask=FieldMask(paths=["description"]),
        etag="*",
    )
    assert (await stage.call("UpdateAgent", change)).agent_id == draft.agent_id
    first = await stage.call("ActivateAgent", pb.ActivateAgentRequest(agent_id=draft.agent_id))
    steps = [{"key": "twice", "agent": {"agentId": first.agent_id}, "inputs": {"n": "inputs.n"}}]
    same = await stage.call("UpdateAgent", pb.UpdateAgentRequest(agent_id=first.agent_id, agent=first, etag="*"))
    assert same == first
    change.agent.step.CopyFrom(first.step)
    change.agent.step.inputs["n"] = "inputs.n * 3"
    change.update_mask.paths[:] = ["step"]
    second = await stage.call("UpdateAgent", change)
    assert (second.version_number, second.parent_agent_id, second.state) == (2, draft.agent_id, State.DRAFT)
    await stage.call("ActivateAgent", pb.ActivateAgentRequest(agent_id=second.agent_id))
    listed = await stage.call("ListAgents", pb.ListAgentsRequest(parent_agent_id=draft.agent_id))
    assert [(each.version_number, each.state) for each in listed.agents] == [(2, State.ACTIVE), (1, State.INACTIVE)]
    ended = await stage.ended(await stage.start(steps, given={"n": 4}))
    assert MessageToDict(ended.output) == {"n": 8}


async def test_change_of_state_goes_by_the_rules_of_versions(stage: ExecutionStage) -> None:
    """Who is archived starts nothing until deactivated and activated; deleted is not found, and comes back."""
    agent = await stage.agent(DOUBLE)
    named = {"agent_id": agent.agent_id}
    archived = await stage.call("ArchiveAgent", pb.ArchiveAgentRequest(**named))
    assert archived.state == State.ARCHIVED
    assert (await refused(stage.call("ActivateAgent", pb.ActivateAgentRequest(**named)))).reason == (
        "AGENT_IN_WRONG_STATE"
    )
    assert (await refused(stage.begin(_of(agent, n=1)))).reason == "AGENT_IN_WRONG_STATE"
    assert (await stage.call("DeactivateAgent", pb.DeactivateAgentRequest(**named))).state == State.INACTIVE
    await stage.call("DeleteAgent", pb.DeleteAgentRequest(**named))
    assert (await refused(stage.begin(_of(agent, n=1)))).reason == "AGENT_NOT_FOUND"
    assert (await stage.call("UndeleteAgent", pb.UndeleteAgentRequest(**named))).state == State.INACTIVE
    assert (await refused(stage.call("UndeleteAgent", pb.UndeleteAgentRequest(**named)))).reason == "AGENT_NOT_DELETED"


async def test_list_agents_finds_words_tags_and_what_is_public_of_the_account_alone(stage: ExecutionStage) -> None:
    """Any of the tags counts; a wildcard in the words is none."""
    await stage.agent(DOUBLE, name="Review", tags=["code", "git"], isPublic=True, activate=False)
    await stage.agent(DOUBLE, name="tidy", description="100% of reviews", tags=["nightly"], activate=False)

    async def found(**wanted: Any) -> list[str]:
        listed = await stage.call("ListAgents", pb.ListAgentsRequest(**wanted))
        return [each.name for each in listed.agents]

    assert await found(words="REVIEW") == ["tidy", "Review"]
    assert await found(words="0%") == ["tidy"]
    assert await found(words="%_%") == []
    assert await found(tags=["git", "nightly"]) == ["tidy", "Review"]
    assert await found(tags=["git"], words="tidy") == []
    assert await found(is_public=True) == ["Review"]
    stage.account_id = ids.new()
    assert await found() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"step": {"key": "a", "wait": {"duration": "1s"}}}, "is of the type WAIT"),
        ({"step": {"key": "a", "data": {}, "inputs": {"n": "nobody"}}}, "undeclared reference to 'nobody'"),
        ({"parameters": {"type": "array"}}, "is no object"),
        ({"parameters": {"type": "object", "properties": {"n": {"type": "nonsense"}}}}, "nonsense"),
        ({"parameters": {"type": "object", "allOf": [{"$ref": "http://127.0.0.1/"}]}}, "http://127.0.0.1/"),
        ({"parameters": {"type": "object", "description": "x" * 70_000}}, "is larger than 64 KiB"),
    ],
)
async def test_create_agent_with_something_wrong_says_what(
    stage: ExecutionStage, wrong: dict[str, object], words: str
) -> None:
    """Of its step, or of its parameters."""
    wanted = ParseDict({"name": "a", "step": {"key": "a", "data": {}}} | wrong, agent_pb2.Agent())
    refusal = await refused(stage.call("CreateAgent", pb.CreateAgentRequest(agent=wanted)))
    assert refusal.reason == "INVALID_AGENT"
    assert words in refusal.message


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"n": "'text'"}, "gives STRING, and its agent takes integer"),
        ({}, "does not say what 'n' is, which its agent needs"),
        ({"n": "1", "m": "1"}, "is given 'm', which its agent does not know"),
    ],
)
async def test_create_workflow_with_a_mapping_that_does_not_fit_its_agent_is_refused(
    stage: ExecutionStage, inputs: dict[str, str], words: str
) -> None:
    """What can be known before anything runs."""
    agent = await stage.agent(DOUBLE, parameters=PARAMETERS)
    refusal = await refused(stage.create([{"key": "a", "agent": {"agentId": agent.agent_id}, "inputs": inputs}]))
    assert refusal.reason == "INVALID_WORKFLOW"
    assert words in refusal.message


async def test_step_of_an_agent_that_does_not_fit_when_it_runs_fails(stage: ExecutionStage) -> None:
    """What is known only then."""
    agent = await stage.agent(DOUBLE, parameters=PARAMETERS)
    steps = [{"key": "a", "agent": {"agentId": agent.agent_id}, "inputs": {"n": "inputs.n"}}]
    ended = await stage.ended(await stage.start(steps, given={"n": -1}))
    assert (ended.failure.reason, ended.failure.path) == ("EXECUTION_FAILED", "a")


async def test_activate_workflow_needs_agents_that_do_not_change_any_more_and_keeps_them(
    stage: ExecutionStage,
) -> None:
    """A draft of an agent is refused; one that an active workflow runs is not deleted."""
    agent = await stage.agent(DOUBLE, activate=False)
    made = await stage.create([{"key": "a", "agent": {"agentId": agent.agent_id}, "inputs": {"n": "1"}}], name="uses")
    activate = workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id)
    assert (await refused(stage.call("ActivateWorkflow", activate))).reason == "AGENT_IN_WRONG_STATE"
    await stage.call("ActivateAgent", pb.ActivateAgentRequest(agent_id=agent.agent_id))
    await stage.call("ActivateWorkflow", activate)
    refusal = await refused(stage.call("DeleteAgent", pb.DeleteAgentRequest(agent_id=agent.agent_id)))
    assert (refusal.reason, refusal.message) == ("IN_USE", f"This is in use by uses ({made.workflow_id}).")
    missing = [{"key": "a", "agent": {"agentId": str(ids.new())}}]
    assert "which is no agent of this account" in (await refused(stage.create(missing))).message


async def test_start_execution_by_two_at_once_of_an_agent_that_allows_one_starts_one(stage: ExecutionStage) -> None:
    """The other is refused; the one that runs is counted as the agent's."""
    asks = await stage.workflow([{"key": "ask", "approval": {"message": "Go on?"}}])
    agent = await stage.agent({"workflow": {"workflowId": asks}})
    answers = await asyncio.gather(*(stage.begin(_of(agent)) for _ in range(4)), return_exceptions=True)
    refusals = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert [each.code() for each in refusals] == [grpc.StatusCode.RESOURCE_EXHAUSTED] * 3
    wanted = statistics_pb.GetExecutionStatisticsRequest(agent_id=agent.agent_id)
    assert (await stage.call("GetExecutionStatistics", wanted)).total == 1


async def test_create_agent_with_the_same_request_id_twice_makes_one(stage: ExecutionStage) -> None:
    """And so does a template that is instantiated twice."""
    wanted = ParseDict({"name": "a", "step": {"key": "a", "data": {}}}, agent_pb2.Agent())
    create = pb.CreateAgentRequest(agent=wanted, request_id=str(ids.new()))
    first, second = [await stage.call("CreateAgent", create) for _ in range(2)]
    assert first == second
    template = template_pb2.Template(name="t", agent_id=first.agent_id)
    made = await stage.call("CreateTemplate", template_pb.CreateTemplateRequest(template=template))
    use = template_pb.InstantiateTemplateRequest(template_id=made.template_id, request_id=str(ids.new()))
    first, second = [(await stage.call("InstantiateTemplate", use)).agent for _ in range(2)]
    assert first.agent_id == second.agent_id
    found = await stage.call("GetTemplate", template_pb.GetTemplateRequest(template_id=made.template_id))
    assert found.usage_count == 1


async def test_executions_of_an_agent_are_no_more_at_once_than_it_allows(stage: ExecutionStage) -> None:
    """Who starts one more is refused; a step waits for its turn."""
    asks = await stage.workflow([{"key": "ask", "approval": {"message": "Go on?"}}])
    agent = await stage.agent({"workflow": {"workflowId": asks}})
    first = await stage.begin(_of(agent))
    refusal = await refused(stage.begin(_of(agent)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "AGENT_BUSY")
    waits = await stage.start([{"key": "a", "agent": {"agentId": agent.agent_id}}])

    async def is_waiting() -> bool:
        return (await stage.states(waits.execution_id)).get("a") == "WAITING"

    async def began() -> bool:
        listed = await stage.call("ListExecutions", execution_pb.ListExecutionsRequest(agent_id=agent.agent_id))
        return len(listed.executions) > 1

    await until(is_waiting)
    assert not await began()
    await stage.call("CancelExecution", execution_pb.CancelExecutionRequest(execution_id=first.execution_id))
    await until(began)
