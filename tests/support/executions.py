"""One of everything that belongs to executions, and a second of what lists show."""

from typing import Any

from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import agent_pb2, deployment_pb2, execution_pb2, template_pb2, trigger_pb2, workflow_pb2
from stateroom.execution.v1 import agent_service_pb2 as agent_pb
from stateroom.execution.v1 import deployment_service_pb2 as deployment_pb
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import rollout_service_pb2 as rollout_pb
from stateroom.execution.v1 import secret_service_pb2 as secret_pb
from stateroom.execution.v1 import template_service_pb2 as template_pb
from stateroom.execution.v1 import trigger_service_pb2 as trigger_pb
from stateroom.execution.v1 import webhook_service_pb2 as webhook_pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow_pb
from stateroom.execution.v1.agent_service_pb2_grpc import AgentServiceStub
from stateroom.execution.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stateroom.execution.v1.rollout_service_pb2_grpc import RolloutServiceStub
from stateroom.execution.v1.secret_service_pb2_grpc import SecretServiceStub
from stateroom.execution.v1.template_service_pb2_grpc import TemplateServiceStub
from stateroom.execution.v1.trigger_service_pb2_grpc import TriggerServiceStub
from stateroom.execution.v1.webhook_service_pb2_grpc import WebhookServiceStub
from stateroom.execution.v1.workflow_service_pb2_grpc import WorkflowServiceStub

from chassis import ids
from tests.support.execution_stage import definition
from tests.support.people import Person, connected
from tests.support.source import query
from tests.support.webhooks import signed

_USE = """
INSERT INTO model_uses (
    model_use_id, account_id, execution_id, path, attempt, turn, model, input_tokens, output_tokens, cost_micros,
    use_time
) VALUES ($1, $2, $3, 'ask', 1, 1, 'a', 1, 1, 1, now())
"""
_FAILS: dict[str, Any] = {"data": {}, "inputs": {"n": "inputs.nothing"}, "onError": "CONTINUE"}
_STEPS = definition([{"key": "a", **_FAILS}, {"key": "b", **_FAILS}, {"key": "ask", "approval": {"message": "Go on?"}}])


async def executions(owner: Person) -> dict[str, str]:
    """Make it; returns the ids by field name. The executions wait, with steps that have failed and one that asks."""
    async with connected(owner.product, "execution") as channel:
        workflows: Any = WorkflowServiceStub(channel)
        running: Any = ExecutionServiceStub(channel)
        sent: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20, "wait_for_ready": True}
        create = workflow_pb.CreateWorkflowRequest(workflow=workflow_pb2.Workflow(name="a", definition=_STEPS))
        _, made = [await workflows.CreateWorkflow(create, **sent) for _ in range(2)]
        await workflows.ActivateWorkflow(workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id), **sent)
        start = pb.StartExecutionRequest(execution=execution_pb2.Execution(workflow_id=made.workflow_id))
        _, started = [await running.StartExecution(start, **sent) for _ in range(2)]
        async for news in running.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id), **sent):
            if news.sequence > 2:
                break
        agents: Any = AgentServiceStub(channel)
        step = _STEPS.steps[0]
        wanted = agent_pb.CreateAgentRequest(agent=agent_pb2.Agent(name="a", step=step))
        _, agent = [await agents.CreateAgent(wanted, **sent) for _ in range(2)]
        await _public(workflows, agents, step, sent)
        templates: Any = TemplateServiceStub(channel)
        data = {"name": "a", "type": "WORKFLOW", "data": {"steps": [{"key": "a", "data": {}}]}}
        create_template = template_pb.CreateTemplateRequest(template=ParseDict(data, template_pb2.Template()))
        _, template = [await templates.CreateTemplate(create_template, **sent) for _ in range(2)]
        found = await _deployed(channel, workflows, made.workflow_id, sent)
    await _used(owner, started.execution_id)
    found |= {
        "template_id": template.template_id,
        "agent_id": agent.agent_id,
        "parent_agent_id": agent.parent_agent_id,
        "workflow_id": made.workflow_id,
        "parent_workflow_id": made.parent_workflow_id,
    }
    return found | {"execution_id": started.execution_id} | await _triggers(owner, made.parent_workflow_id)


async def _deployed(channel: Any, workflows: Any, workflow_id: str, sent: dict[str, Any]) -> dict[str, str]:
    """Make two deployments, and put the next version in force in one of them."""
    deployments: Any = DeploymentServiceStub(channel)
    rollouts: Any = RolloutServiceStub(channel)
    wanted = deployment_pb2.Deployment(name="a", workflow_id=workflow_id)
    create = deployment_pb.CreateDeploymentRequest(deployment=wanted)
    _, made = [await deployments.CreateDeployment(create, **sent) for _ in range(2)]
    update = workflow_pb.UpdateWorkflowRequest(workflow_id=workflow_id, etag="*")
    update.workflow.description = "next"
    following = await workflows.UpdateWorkflow(update, **sent)
    for version_id in (following.workflow_id, workflow_id):  # the fixture's own is the active one again
        await workflows.ActivateWorkflow(workflow_pb.ActivateWorkflowRequest(workflow_id=version_id), **sent)
    deploy = rollout_pb.DeployVersionRequest(deployment_id=made.deployment_id, version_id=following.workflow_id)
    await rollouts.DeployVersion(deploy, **sent)
    return {"deployment_id": made.deployment_id, "version_id": following.workflow_id}


async def _public(workflows: Any, agents: Any, step: workflow_pb2.Step, sent: dict[str, Any]) -> None:
    """Make two workflows and two agents that everybody sees, and that are nobody's secret."""
    for _ in range(2):
        shown = workflow_pb2.Workflow(name="shown", definition=_STEPS, is_public=True)
        made = await workflows.CreateWorkflow(workflow_pb.CreateWorkflowRequest(workflow=shown), **sent)
        await workflows.ActivateWorkflow(workflow_pb.ActivateWorkflowRequest(workflow_id=made.workflow_id), **sent)
        agent = agent_pb2.Agent(name="shown", step=step, is_public=True)
        made = await agents.CreateAgent(agent_pb.CreateAgentRequest(agent=agent), **sent)
        await agents.ActivateAgent(agent_pb.ActivateAgentRequest(agent_id=made.agent_id), **sent)


async def _triggers(owner: Person, parent_workflow_id: str) -> dict[str, str]:
    """Return one of two deliveries, and one of two triggers, for which they came."""
    async with connected(owner.product, "execution") as channel:
        triggers: Any = TriggerServiceStub(channel)
        webhooks: Any = WebhookServiceStub(channel)
        sent: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20, "wait_for_ready": True}
        wanted = trigger_pb2.Trigger(name="a", parent_workflow_id=parent_workflow_id, webhook=trigger_pb2.Webhook())
        create = trigger_pb.CreateTriggerRequest(trigger=wanted)
        _, made = [await triggers.CreateTrigger(create, **sent) for _ in range(2)]
        renew = webhook_pb.RenewWebhookSecretRequest(trigger_id=made.trigger_id)
        secret = (await webhooks.RenewWebhookSecret(renew, **sent)).secret
        await triggers.EnableTrigger(trigger_pb.EnableTriggerRequest(trigger_id=made.trigger_id), **sent)
        request = webhook_pb.ReceiveDeliveryRequest(trigger_id=made.trigger_id)
        request.content.content_type = "application/json"
        _, received = [
            await webhooks.ReceiveDelivery(request, metadata=tuple(signed(secret, b"", key).items()), timeout=20)
            for key in ("first", "second")
        ]
    return {"delivery_id": received.delivery_id, "trigger_id": made.trigger_id}


async def _used(owner: Person, execution_id: str) -> None:
    """Keep two secrets, and note two answers of models, as if steps had asked."""
    async with connected(owner.product, "execution") as channel:
        secrets: Any = SecretServiceStub(channel)
        for name in ("FIRST", "SECOND"):
            wanted = secret_pb.SetSecretRequest(name=name, value="abcdef")
            await secrets.SetSecret(wanted, metadata=owner.metadata, timeout=20)
    url = owner.product.installation.url("execution_system")
    for _ in range(2):
        await query(url, _USE, ids.new(), owner.user_id, execution_id)
