"""Deployments: a version that runs for whoever has the key, until another one comes into force."""

import asyncio
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import deployment_pb2, execution_pb2
from stateroom.execution.v1 import deployment_service_pb2 as pb
from stateroom.execution.v1 import execution_service_pb2 as execution_pb
from stateroom.execution.v1 import invocation_service_pb2 as invocation_pb
from stateroom.execution.v1 import rollout_service_pb2 as rollout_pb
from stateroom.execution.v1 import workflow_life_service_pb2 as workflow_life_pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb

from chassis import ids
from services.execution.deployments.domain import LIMIT
from services.execution.deployments.invoking import HEADER
from tests.support.execution_stage import ExecutionStage, Steps, definition
from tests.support.refusals import refused
from tests.support.source import query
from tests.support.waiting import PATIENCE, until

_COPIES = """
INSERT INTO execution.deployments
SELECT (jsonb_populate_record(one, jsonb_build_object('deployment_id', gen_random_uuid()))).*
FROM execution.deployments AS one, generate_series(2, $2) WHERE account_id = $1
"""

pytestmark = pytest.mark.asyncio(loop_scope="session")

ECHO: Steps = [{"key": "echo", "data": {}, "inputs": {"said": "inputs.n"}}]
ASKS: Steps = [{"key": "ask", "approval": {"message": "Go on?"}}]
Deployment = deployment_pb2.Deployment
State = execution_pb2.Execution.State


class Endpoint:
    """A deployment that takes invocations, and whoever has its key."""

    def __init__(self, stage: ExecutionStage, deployment_id: str, key: str) -> None:
        self.stage = stage
        self.deployment_id = deployment_id
        self.key = key

    async def invoke(self, given: dict[str, Any] | None = None, **values: Any) -> invocation_pb.Invocation:
        """Start an execution."""
        request = ParseDict({"input": given or {}} | values, invocation_pb.InvokeDeploymentRequest())
        request.deployment_id = self.deployment_id
        invoked: invocation_pb.Invocation = await self.send("InvokeDeployment", request)
        return invoked

    async def send(self, method: str, request: Any) -> Any:  # any message
        """Call with the key and without anything else."""
        stub = next(each for each in self.stage.first.stubs if hasattr(each, method))
        metadata = ((HEADER, self.key),) if self.key else ()
        return await getattr(stub, method)(request, metadata=metadata, timeout=PATIENCE)

    async def change(self, verb: str, **values: Any) -> deployment_pb2.Deployment:
        """Take it to another state."""
        request = getattr(pb, f"{verb}DeploymentRequest")(deployment_id=self.deployment_id, **values)
        changed: deployment_pb2.Deployment = await self.stage.call(f"{verb}Deployment", request)
        return changed

    async def get(self) -> deployment_pb2.Deployment:
        """Return it as it is."""
        return await self.change("Get")

    async def deploy(self, version_id: str) -> deployment_pb2.Deployment:
        """Put a version in force."""
        request = rollout_pb.DeployVersionRequest(deployment_id=self.deployment_id, version_id=version_id)
        deployed: deployment_pb2.Deployment = await self.stage.call("DeployVersion", request)
        return deployed

    async def roll_back(self) -> deployment_pb2.Deployment:
        """Put the version before in force."""
        request = rollout_pb.RollBackDeploymentRequest(deployment_id=self.deployment_id)
        rolled: deployment_pb2.Deployment = await self.stage.call("RollBackDeployment", request)
        return rolled


async def deployed(stage: ExecutionStage, **values: Any) -> deployment_pb2.Deployment:
    """Make a deployment."""
    request = ParseDict({"deployment": {"name": "a"} | values}, pb.CreateDeploymentRequest())
    made: deployment_pb2.Deployment = await stage.call("CreateDeployment", request)
    return made


async def endpoint(stage: ExecutionStage, steps: Steps = ECHO, **values: Any) -> Endpoint:
    """Make a deployment of a workflow of its own that takes invocations."""
    made = await deployed(stage, **{"workflowId": await stage.workflow(steps)} | values)
    renewed = await stage.call(
        "RenewDeploymentKey", invocation_pb.RenewDeploymentKeyRequest(deployment_id=made.deployment_id)
    )
    opened = Endpoint(stage, made.deployment_id, renewed.key)
    await opened.change("Start")
    return opened


async def next_version(stage: ExecutionStage, workflow_id: str, steps: Steps, *, activate: bool = True) -> str:
    """Make the next version of a workflow."""
    request = workflow_pb.UpdateWorkflowRequest(workflow_id=workflow_id, etag="*")
    request.workflow.definition.CopyFrom(definition(steps))
    made = await stage.call("UpdateWorkflow", request)
    if activate:
        await stage.call("ActivateWorkflow", workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id))
    return str(made.workflow_id)


def says(text: str) -> Steps:
    """Return steps that say something."""
    return [{"key": "say", "data": {}, "inputs": {"said": f"'{text}'"}}]


async def said(opened: Endpoint) -> str:
    """Return what an invocation says."""
    ended = await opened.invoke(wait="20s")
    assert ended.state == State.COMPLETED
    return str(MessageToDict(ended.output)["said"])


async def test_invoke_with_the_key_runs_it_for_who_started_it(stage: ExecutionStage) -> None:
    """The answer has the output; the execution names its deployment and counts there."""
    opened = await endpoint(stage)
    ended = await opened.invoke({"n": 3}, wait="20s")
    assert (ended.state, MessageToDict(ended.output)) == (State.COMPLETED, {"said": 3.0})
    execution = await stage.get(ended.execution_id)
    assert (execution.deployment_id, execution.user_id) == (opened.deployment_id, str(stage.user_id))
    listed = await stage.call("ListExecutions", execution_pb.ListExecutionsRequest(deployment_id=opened.deployment_id))
    assert [each.execution_id for each in listed.executions] == [ended.execution_id]
    numbers = (await opened.get()).numbers
    assert (numbers.request_count, numbers.error_count, numbers.error_rate) == (1, 0, 0)
    assert numbers.mean_duration.ToNanoseconds() > 0


async def test_invoke_without_waiting_answers_with_what_is_looked_at_later(stage: ExecutionStage) -> None:
    """What has not ended goes on; the key shows it, in whatever state the deployment is."""
    opened = await endpoint(stage, ASKS)
    assert (await opened.invoke(wait="0.01s")).state == State.RUNNING
    invoked = await opened.invoke()
    assert invoked.state == State.RUNNING
    await opened.change("Stop")
    await stage.call("CancelExecution", execution_pb.CancelExecutionRequest(execution_id=invoked.execution_id))
    wanted = invocation_pb.GetInvocationRequest(deployment_id=opened.deployment_id, execution_id=invoked.execution_id)
    found = await opened.send("GetInvocation", wanted)
    assert (found.state, found.HasField("end_time")) == (State.CANCELLED, True)


async def test_get_invocation_of_another_execution_is_not_found(stage: ExecutionStage) -> None:
    """A key shows what it started and nothing else of the account."""
    opened, other = await endpoint(stage), await stage.start(ECHO, given={"n": 1})
    wanted = invocation_pb.GetInvocationRequest(deployment_id=opened.deployment_id, execution_id=other.execution_id)
    assert (await refused(opened.send("GetInvocation", wanted))).reason == "EXECUTION_NOT_FOUND"


async def test_invoke_again_with_its_request_id_starts_nothing(stage: ExecutionStage) -> None:
    """Two at once and one more answer with one execution, which has ended by then."""
    opened, request_id = await endpoint(stage), str(ids.new())
    wish = {"requestId": request_id, "wait": "20s"}
    first, second = await asyncio.gather(*(opened.invoke({"n": 1}, **wish) for _ in range(2)))
    await opened.change("Stop")
    third = await opened.invoke({"n": 1}, **wish)
    assert first.execution_id == second.execution_id == third.execution_id
    assert (await opened.get()).numbers.request_count == 1
    assert (await refused(opened.invoke({"n": 2}, **wish))).reason == "REQUEST_ID_REUSED"


async def test_invoke_without_the_newest_key_is_refused(stage: ExecutionStage) -> None:
    """Neither no key, nor another one's, nor the one before; nothing is started, and the key is in no row."""
    opened, other = await endpoint(stage), await endpoint(stage)
    renewed = await stage.call(
        "RenewDeploymentKey", invocation_pb.RenewDeploymentKeyRequest(deployment_id=opened.deployment_id)
    )
    for wrong in ("", "a", opened.key, other.key):
        assert (
            await refused(Endpoint(stage, opened.deployment_id, wrong).invoke({"n": 1}))
        ).reason == "DEPLOYMENT_KEY_REFUSED"
    assert (await opened.get()).numbers.request_count == 0
    assert renewed.key.startswith(renewed.deployment.key_prefix)
    stored = await stage.rows("SELECT * FROM deployments WHERE account_id = $1", stage.account_id)
    sent = await stage.rows("SELECT payload FROM outbox WHERE account_id = $1", stage.account_id)
    secret = renewed.key.split("_")[2]
    assert secret not in str(stored)
    assert not any(secret.encode() in each["payload"] for each in sent)


async def test_invoke_while_it_takes_nothing_is_refused(stage: ExecutionStage) -> None:
    """STOPPED says so, MAINTENANCE that it may be tried again; started once more it takes them, deleted none."""
    opened = await endpoint(stage)
    await opened.change("Maintain")
    refusal = await refused(opened.invoke({"n": 1}))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPLOYMENT_IN_MAINTENANCE")
    stopped = await opened.change("Stop")
    assert (await refused(opened.invoke({"n": 1}))).reason == "DEPLOYMENT_STOPPED"
    assert (await opened.change("Stop")).etag == stopped.etag
    await opened.change("Start")
    assert (await opened.invoke({"n": 1}, wait="20s")).state == State.COMPLETED
    deleted = await opened.change("Delete")
    assert (deleted.state, deleted.deleted_by) == (Deployment.STOPPED, str(stage.user_id))
    for call in (opened.invoke({"n": 1}), opened.change("Start")):
        assert (await refused(call)).reason == "DEPLOYMENT_NOT_FOUND"


async def test_invoke_with_what_does_not_fit_starts_nothing(stage: ExecutionStage) -> None:
    """The schema of the version in force holds, and says where; nothing counts as an error of the deployment."""
    step = {"data": {}, "inputs": {"said": "inputs.n"}}
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    agent = await stage.agent(step, parameters=schema)
    opened = await endpoint(stage, workflowId="", agentId=agent.agent_id)
    refusal = await refused(opened.invoke({"n": "many"}))
    assert (refusal.reason, refusal.fields) == ("INVALID_INPUT", ("input.n",))
    assert (await opened.get()).numbers.request_count == 0
    assert (await opened.invoke({"n": 5}, wait="20s")).state == State.COMPLETED


async def test_invoke_at_the_limit_is_refused(stage: ExecutionStage) -> None:
    """Of many at once so many run as may, and one more when one of them has ended."""
    opened = await endpoint(stage, ASKS, maxConcurrentExecutions=2)
    outcomes = await asyncio.gather(*(opened.invoke() for _ in range(5)), return_exceptions=True)
    taken = [each for each in outcomes if isinstance(each, invocation_pb.Invocation)]
    assert len(taken) == 2
    assert (await refused(opened.invoke())).reason == "DEPLOYMENT_BUSY"
    await stage.call("CancelExecution", execution_pb.CancelExecutionRequest(execution_id=taken[0].execution_id))
    assert (await opened.invoke()).state == State.RUNNING


async def test_deploy_puts_a_version_in_force_and_roll_back_the_one_before(stage: ExecutionStage) -> None:
    """Whichever is active; rolling back goes on to the first version, and the history tells all of it."""
    first = await stage.workflow(says("one"))
    opened = await endpoint(stage, workflowId=first)
    second = await next_version(stage, first, says("two"))
    third = await next_version(stage, first, says("three"))
    assert await said(opened) == "one"
    await opened.deploy(second)
    assert await said(opened) == "two"
    await opened.deploy(third)
    for text in ("two", "one"):
        await opened.roll_back()
        assert await said(opened) == text
    assert (await refused(opened.roll_back())).reason == "NO_PREVIOUS_ROLLOUT"
    listed = await stage.call("ListRollouts", rollout_pb.ListRolloutsRequest(deployment_id=opened.deployment_id))
    assert [(each.number, each.workflow_id, each.rolled_back_to) for each in listed.rollouts] == [
        (5, first, 1),
        (4, second, 2),
        (3, third, 0),
        (2, second, 0),
        (1, first, 0),
    ]


async def test_deploy_what_cannot_run_there_is_refused(stage: ExecutionStage) -> None:
    """Neither a draft, nor a version of something else; the version in force stays."""
    first = await stage.workflow(says("one"))
    opened = await endpoint(stage, workflowId=first)
    draft = await next_version(stage, first, says("two"), activate=False)
    assert (await refused(opened.deploy(draft))).reason == "WORKFLOW_IN_WRONG_STATE"
    assert (await refused(opened.deploy(await stage.workflow(says("else"))))).reason == "NOT_OF_THIS_DEPLOYMENT"
    assert (await opened.get()).workflow_id == first


async def test_health_is_what_the_last_executions_say(stage: ExecutionStage) -> None:
    """Unknown before any ends, then by how many failed; another version begins anew, one that is gone is unhealthy."""
    first = await stage.workflow([{"key": "a", "data": {}, "inputs": {"n": "10 / int(inputs.n)"}}])
    opened = await endpoint(stage, workflowId=first)

    async def looked(health: str) -> None:
        async def found() -> bool:
            await stage.rows("UPDATE deployments SET check_time = NULL WHERE account_id = $1", stage.account_id)
            return (await opened.get()).health == Deployment.Health.Value(health)

        await until(found)

    assert (await opened.get()).health == Deployment.UNKNOWN
    for number, health in ((1, "HEALTHY"), (1, "HEALTHY"), (0, "DEGRADED"), (0, "UNHEALTHY")):
        await opened.invoke({"n": number}, wait="20s")
        await looked(health)
    second = await next_version(stage, first, says("two"))
    assert (await opened.deploy(second)).health == Deployment.UNKNOWN
    await said(opened)
    await looked("HEALTHY")
    await stage.call("DeleteWorkflow", workflow_pb.DeleteWorkflowRequest(workflow_id=second))
    await looked("UNHEALTHY")
    assert second in (await opened.get()).health_reason


async def test_update_changes_all_but_the_version_in_force(stage: ExecutionStage) -> None:
    """A deployment may be sent back as it was read; it begins in production, stopped and without a key."""
    made = await deployed(stage, workflowId=await stage.workflow(ECHO))
    assert (made.environment, made.state, made.key_prefix) == (Deployment.PRODUCTION, Deployment.STOPPED, "")
    changed = Deployment()
    changed.CopyFrom(made)
    changed.description, changed.environment, changed.workflow_id = "tried out", Deployment.STAGING, str(ids.new())
    wish = pb.UpdateDeploymentRequest(deployment_id=made.deployment_id, deployment=changed, etag=made.etag)
    updated = await stage.call("UpdateDeployment", wish)
    assert (updated.description, updated.environment) == ("tried out", Deployment.STAGING)
    assert updated.workflow_id == made.workflow_id
    assert (await refused(stage.call("UpdateDeployment", wish))).reason == "ETAG_MISMATCH"


async def test_version_that_is_archived_runs_here_no_more(stage: ExecutionStage) -> None:
    """Neither an invocation nor a start; one that is merely not active any more goes on."""
    first = await stage.workflow(says("one"))
    opened = await endpoint(stage, workflowId=first)
    await stage.call("DeactivateWorkflow", workflow_life_pb.DeactivateWorkflowRequest(workflow_id=first))
    assert await said(opened) == "one"
    await stage.call("ArchiveWorkflow", workflow_life_pb.ArchiveWorkflowRequest(workflow_id=first))
    for call in (opened.invoke(), opened.change("Start")):
        assert (await refused(call)).reason == "WORKFLOW_IN_WRONG_STATE"


async def test_database_refuses_a_deployment_of_two_targets_or_none(stage: ExecutionStage) -> None:
    """Whoever writes past the service."""
    made = await deployed(stage, workflowId=await stage.workflow(ECHO))
    for change in (
        "agent_id = workflow_id, parent_agent_id = workflow_id",
        "workflow_id = NULL, parent_workflow_id = NULL",
    ):
        with pytest.raises(asyncpg.CheckViolationError, match="ck_deployments_target"):
            await stage.rows(f"UPDATE deployments SET {change} WHERE deployment_id = $1", made.deployment_id)  # noqa: S608  # ours


async def test_create_beyond_the_limit_of_the_account_is_refused(stage: ExecutionStage) -> None:
    """Deleted ones do not count, and those of others neither."""
    family = await stage.workflow(ECHO)
    made = await deployed(stage, workflowId=family)
    await query(stage.installation.admin_url, _COPIES, stage.account_id, LIMIT)
    assert (await refused(deployed(stage, workflowId=family))).reason == "DEPLOYMENT_LIMIT_REACHED"
    await stage.call("DeleteDeployment", pb.DeleteDeploymentRequest(deployment_id=made.deployment_id))
    await deployed(stage, workflowId=family)
