"""Workflows archived, found, shown to everybody, exported as files and drawn as graphs."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import public_service_pb2 as public_pb
from stateroom.execution.v1 import trigger_service_pb2 as trigger_pb
from stateroom.execution.v1 import workflow_life_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb

from chassis import ids
from cli import documents
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = workflow_pb2.Workflow.State
NOTHING: Steps = [{"key": "nothing", "noop": {}}]
MANY: Steps = [
    {"key": "first", "data": {}, "inputs": {"n": "inputs.n"}, "timeout": "1.5s"},
    {"key": "large", "condition": {"expression": "steps.first.output.n > 1", "then": ["both"], "otherwise": ["last"]}},
    {"key": "both", "parallel": {"steps": ["a", "b"]}},
    {"key": "a", "api": {"url": "'https://example.com'", "method": "POST", "headers": {"X-A": "b"}}},
    {"key": "b", "wait": {"duration": "2s"}, "name": "A while", "dependsOn": ["a"]},
    {"key": "last", "noop": {}, "onError": "RETRY", "retryCount": 2, "retryDelay": "3s"},
]


async def _export(stage: ExecutionStage, workflow_id: str) -> str:
    request = pb.ExportWorkflowRequest(workflow_id=workflow_id)
    stream = stage.first.life.ExportWorkflow(request, metadata=stage.bearer(), timeout=PATIENCE, wait_for_ready=True)
    return "".join([body.data.decode() async for body in stream])


async def test_export_workflow_gives_a_file_that_makes_the_same_workflow(stage: ExecutionStage, tmp_path: Path) -> None:
    """Nothing is lost, texts of several lines are readable, and no time of a server is in it."""
    script = {"workspaceId": str(ids.new()), "language": "PYTHON", "source": "def main(inputs):\n    return 1\n"}
    made = await stage.create([*MANY, {"key": "run", "code": script}], name="Größe", tags=["a"], is_public=True)
    text = await _export(stage, made.workflow_id)
    assert "      source: |\n        def main(inputs):\n            return 1\n" in text
    assert "create_time" not in text
    file = tmp_path / "any.yaml"
    file.write_text(text)
    again = workflow_pb.CreateWorkflowRequest(workflow=ParseDict(documents.read(file), workflow_pb2.Workflow()))
    same = await stage.call("CreateWorkflow", again)
    assert (same.name, same.tags, same.is_public) == (made.name, made.tags, True)
    assert same.definition == made.definition


async def test_graph_of_a_workflow_says_what_is_inside_what_and_waits_for_what(stage: ExecutionStage) -> None:
    """Steps of a list wait for the one before; branches and parallel steps are inside."""
    made = await stage.create(MANY)
    graph = await stage.call("GetWorkflowGraph", pb.GetWorkflowGraphRequest(workflow_id=made.workflow_id))
    assert [(node.key, node.inside, node.branch) for node in graph.nodes] == [
        ("first", "", ""),
        ("large", "", ""),
        ("both", "large", "then"),
        ("a", "both", "steps"),
        ("b", "both", "steps"),
        ("last", "large", "otherwise"),
    ]
    assert [(edge.source, edge.target) for edge in graph.edges] == [("first", "large"), ("a", "b")]


async def test_archive_workflow_starts_nothing_until_it_is_deactivated_and_activated(stage: ExecutionStage) -> None:
    """Each state leads only where the rules say."""
    family = await stage.workflow(NOTHING)
    archived = await stage.call("ArchiveWorkflow", pb.ArchiveWorkflowRequest(workflow_id=family))
    assert archived.state == State.ARCHIVED
    start = execution_pb2.Execution(workflow_id=family)
    assert (await refused(stage.begin(start))).reason == "WORKFLOW_IN_WRONG_STATE"
    activate = workflow_pb.ActivateWorkflowRequest(workflow_id=family)
    assert (await refused(stage.call("ActivateWorkflow", activate))).reason == "WORKFLOW_IN_WRONG_STATE"
    again = await stage.call("DeactivateWorkflow", pb.DeactivateWorkflowRequest(workflow_id=family))
    assert again.state == State.INACTIVE
    assert (await stage.call("ActivateWorkflow", activate)).state == State.ACTIVE


async def test_list_workflows_finds_words_tags_and_those_that_a_schedule_starts(stage: ExecutionStage) -> None:
    """Filters go together; a trigger that is disabled starts nothing."""
    await stage.create(NOTHING, name="Nightly", description="Tidy up", tags=["a", "b"])
    family = await stage.workflow(NOTHING)

    async def found(**wanted: Any) -> list[str]:
        listed = await stage.call("ListWorkflows", workflow_pb.ListWorkflowsRequest(**wanted))
        return [each.name for each in listed.workflows]

    assert await found(words="tidy", tags=["b", "c"]) == ["Nightly"]
    assert await found(tags=["c"]) == []
    assert await found(is_scheduled=True) == []
    made = await stage.trigger(family, schedule={"cron": "0 0 29 2 *"})
    await stage.call("EnableTrigger", trigger_pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    assert await found(is_scheduled=True) == ["a"]
    await stage.call("DisableTrigger", trigger_pb.DisableTriggerRequest(trigger_id=made.trigger_id))
    assert await found(is_scheduled=True) == []


async def test_delete_workflow_that_an_active_one_runs_is_refused(stage: ExecutionStage) -> None:
    """Whoever runs it is named; itself does not count, nor does a draft."""
    inner = await stage.workflow(NOTHING)
    outer = await stage.create([{"key": "in", "workflow": {"workflowId": inner}}], name="outer")
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=outer.workflow_id))
    delete = workflow_pb.DeleteWorkflowRequest(workflow_id=inner)
    refusal = await refused(stage.call("DeleteWorkflow", delete))
    assert (refusal.reason, refusal.message) == ("IN_USE", f"This is in use by outer ({outer.workflow_id}).")
    await stage.call("DeleteWorkflow", workflow_pb.DeleteWorkflowRequest(workflow_id=outer.workflow_id))
    assert (await stage.call("DeleteWorkflow", delete)).HasField("delete_time")


async def test_public_versions_are_listed_in_every_account_while_they_are_active(stage: ExecutionStage) -> None:
    """Without who made them; they cannot be read or run from there, and what is private is not there."""
    name = f"shared {ids.new()}"
    made = await stage.create(NOTHING, name=name, is_public=True, tags=["x"])
    agent = await stage.agent({"data": {}, "inputs": {"n": "1"}}, name=name, isPublic=True)
    await stage.agent({"data": {}}, name=name)
    owner, stage.account_id = stage.account_id, ids.new()

    async def found(**wanted: Any) -> list[workflow_pb2.Workflow]:
        listed = await stage.call("ListPublicWorkflows", public_pb.ListPublicWorkflowsRequest(words=name, **wanted))
        return list(listed.workflows)

    assert await found() == []
    stage.account_id, stranger = owner, stage.account_id
    await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id))
    stage.account_id = stranger
    assert [(each.workflow_id, each.user_id) for each in await found(tags=["x", "y"])] == [(made.workflow_id, "")]
    assert await found(tags=["y"]) == []
    agents = await stage.call("ListPublicAgents", public_pb.ListPublicAgentsRequest(words=name))
    assert [(each.agent_id, each.step.data) for each in agents.agents] == [(agent.agent_id, agent.step.data)]
    read = stage.call("GetWorkflow", workflow_pb.GetWorkflowRequest(workflow_id=made.workflow_id))
    assert (await refused(read)).reason == "WORKFLOW_NOT_FOUND"
    start = execution_pb2.Execution(agent_id=agent.agent_id)
    assert (await refused(stage.begin(start))).reason == "AGENT_NOT_FOUND"


async def test_what_was_activated_is_not_changed_by_any_statement(stage: ExecutionStage) -> None:
    """The database itself refuses it."""
    family = await stage.workflow(NOTHING)
    agent = await stage.agent({"data": {}, "inputs": {"n": "1"}})
    for table, key, entity_id in (("workflows", "workflow_id", family), ("agents", "agent_id", agent.agent_id)):
        statement = f"UPDATE {table} SET definition = '{{\"steps\": []}}' WHERE {key} = $1"  # noqa: S608  # names of ours
        with pytest.raises(Exception, match="was activated does not change"):
            await stage.rows(statement, ids.parse(entity_id))
