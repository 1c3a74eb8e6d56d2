"""Execution services as processes of their own, on one database, and people who call them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import agent_pb2, execution_pb2, trigger_pb2, workflow_pb2
from stateroom.execution.v1 import agent_service_pb2 as agent
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1 import trigger_service_pb2 as trigger
from stateroom.execution.v1 import workflow_service_pb2 as workflow
from stateroom.execution.v1.agent_service_pb2_grpc import AgentServiceStub
from stateroom.execution.v1.approval_service_pb2_grpc import ApprovalServiceStub
from stateroom.execution.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stateroom.execution.v1.fork_service_pb2_grpc import ForkServiceStub
from stateroom.execution.v1.invocation_service_pb2_grpc import InvocationServiceStub
from stateroom.execution.v1.log_service_pb2_grpc import LogServiceStub
from stateroom.execution.v1.public_service_pb2_grpc import PublicServiceStub
from stateroom.execution.v1.rollout_service_pb2_grpc import RolloutServiceStub
from stateroom.execution.v1.secret_service_pb2_grpc import SecretServiceStub
from stateroom.execution.v1.statistics_service_pb2_grpc import StatisticsServiceStub
from stateroom.execution.v1.template_service_pb2_grpc import TemplateServiceStub
from stateroom.execution.v1.trigger_service_pb2_grpc import TriggerServiceStub
from stateroom.execution.v1.usage_service_pb2_grpc import UsageServiceStub
from stateroom.execution.v1.webhook_service_pb2_grpc import WebhookServiceStub
from stateroom.execution.v1.workflow_life_service_pb2_grpc import WorkflowLifeServiceStub
from stateroom.execution.v1.workflow_service_pb2_grpc import WorkflowServiceStub

from chassis import ids
from chassis.rpc.call import Principal
from chassis.rpc.tokens import TokenSigner
from embedded import keys
from embedded.ports import free_port
from tests.support import warm
from tests.support.installation import Installation
from tests.support.source import query
from tests.support.waiting import PATIENCE

Steps = list[dict[str, Any]]


def definition(steps: Steps) -> workflow_pb2.Definition:
    """Return a definition from JSON as people write it."""
    return ParseDict({"steps": steps}, workflow_pb2.Definition())


class Replica:
    """One process of the service."""

    def __init__(self, installation: Installation, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.address = f"127.0.0.1:{free_port()}"
        self.channel = grpc.aio.insecure_channel(self.address)
        self.executions: Any = ExecutionServiceStub(self.channel)
        self.workflows: Any = WorkflowServiceStub(self.channel)
        self.triggers: Any = TriggerServiceStub(self.channel)
        self.webhooks: Any = WebhookServiceStub(self.channel)
        self.logs: Any = LogServiceStub(self.channel)
        self.life: Any = WorkflowLifeServiceStub(self.channel)
        others: list[Any] = [
            self.life,
            *(
                kind(self.channel)
                for kind in (
                    StatisticsServiceStub,
                    ApprovalServiceStub,
                    ForkServiceStub,
                    AgentServiceStub,
                    PublicServiceStub,
                    TemplateServiceStub,
                    SecretServiceStub,
                    UsageServiceStub,
                    DeploymentServiceStub,
                    RolloutServiceStub,
                    InvocationServiceStub,
                )
            ),
        ]
        self.stubs = [self.executions, self.workflows, self.triggers, self.webhooks, self.logs, *others]
        self.process: warm.Warm

    async def start(self, **settings: str) -> None:
        """Start it; calls wait until it serves."""
        environment = dict(self._environment) | {"LISTEN": self.address, "EXECUTION_ADDRESS": self.address} | settings
        self.process = await warm.start("services.execution", env=environment)

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def close(self) -> None:
        """End it, and what it is called by."""
        await self.channel.close(None)
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), PATIENCE)


class ExecutionStage:
    """What a test of executions acts on: replicas, and a person."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.account_id = ids.new()
        self.user_id = ids.new()
        self.replicas: list[Replica] = []
        self._signer = TokenSigner("workspace", keys.signing_key_file(installation.layout, "workspace"))

    @property
    def first(self) -> Replica:
        """The replica that is called where it does not matter which."""
        return self.replicas[0]

    def bearer(self, account_id: UUID | None = None, *, role: int = 2) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a person's call."""
        account = account_id or self.account_id
        principal = Principal(str(self.user_id), account, role, frozenset({"*"}), "credential", "Ada")
        token, _ = self._signer.sign_user(principal)
        return (("authorization", f"Bearer {token}"),)

    async def replica(self, **settings: str) -> Replica:
        """Start one more process."""
        described = self.installation.settings("execution", workspace_address="127.0.0.1:1", event_sources="")
        environment = {name.upper(): str(value) for name, value in described.items()}
        environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath}
        replica = Replica(self.installation, environment)
        await replica.start(**settings)
        self.replicas.append(replica)
        return replica

    async def start(
        self, steps: Steps, *, given: dict[str, Any] | None = None, request_id: str = "", **wishes: Any
    ) -> execution_pb2.Execution:
        """Start an execution of steps."""
        wanted = execution_pb2.Execution(definition=definition(steps), **wishes)
        ParseDict(given or {}, wanted.input)
        return await self.begin(wanted, request_id=request_id)

    async def begin(self, wanted: execution_pb2.Execution, *, request_id: str = "") -> execution_pb2.Execution:
        """Start an execution."""
        request = pb.StartExecutionRequest(execution=wanted, request_id=request_id)
        started: execution_pb2.Execution = await self.first.executions.StartExecution(
            request, metadata=self.bearer(), timeout=PATIENCE, wait_for_ready=True
        )
        return started

    async def create(self, steps: Steps, **values: Any) -> workflow_pb2.Workflow:
        """Make a workflow."""
        wanted = workflow_pb2.Workflow(**{"name": "a"} | values, definition=definition(steps))
        created: workflow_pb2.Workflow = await self.call(
            "CreateWorkflow", workflow.CreateWorkflowRequest(workflow=wanted)
        )
        return created

    async def workflow(self, steps: Steps, **values: Any) -> str:
        """Make a workflow from which executions are started; returns the id of its family."""
        made = await self.create(steps, **values)
        await self.call("ActivateWorkflow", workflow.ActivateWorkflowRequest(workflow_id=made.workflow_id))
        return str(made.parent_workflow_id)

    async def agent(self, step: dict[str, Any], *, activate: bool = True, **values: Any) -> agent_pb2.Agent:
        """Make an agent of a step from JSON as people write it, from which executions are started."""
        wanted = ParseDict({"name": "a", "step": {"key": "only", **step}} | values, agent_pb2.Agent())
        made: agent_pb2.Agent = await self.call("CreateAgent", agent.CreateAgentRequest(agent=wanted))
        if activate:
            made = await self.call("ActivateAgent", agent.ActivateAgentRequest(agent_id=made.agent_id))
        return made

    async def trigger(self, parent_workflow_id: str, **values: Any) -> trigger_pb2.Trigger:
        """Make a trigger of a workflow from JSON as people write it."""
        wanted = ParseDict({"name": "a", "parentWorkflowId": parent_workflow_id} | values, trigger_pb2.Trigger())
        made: trigger_pb2.Trigger = await self.call("CreateTrigger", trigger.CreateTriggerRequest(trigger=wanted))
        return made

    async def occurrences(self, trigger_id: str) -> list[trigger_pb2.Occurrence]:
        """Return what a trigger has decided, newest first."""
        request = trigger.ListOccurrencesRequest(trigger_id=trigger_id, page_size=200)
        return list((await self.call("ListOccurrences", request)).occurrences)

    async def call(self, method: str, request: Any) -> Any:  # any message
        """Call the first replica."""
        call = next(getattr(stub, method) for stub in self.first.stubs if hasattr(stub, method))
        return await call(request, metadata=self.bearer(), timeout=PATIENCE, wait_for_ready=True)

    async def get(self, execution_id: str) -> execution_pb2.Execution:
        """Return an execution."""
        found: execution_pb2.Execution = await self.call(
            "GetExecution", pb.GetExecutionRequest(execution_id=execution_id)
        )
        return found

    async def steps(self, execution_id: str) -> dict[str, execution_pb2.StepExecution]:
        """Return the steps of an execution by their paths."""
        request = pb.ListStepExecutionsRequest(execution_id=execution_id, page_size=1000)
        listed = await self.call("ListStepExecutions", request)
        return {step.path: step for step in listed.steps}

    async def states(self, execution_id: str) -> dict[str, str]:
        """Return the states of the steps of an execution by their paths."""
        steps = await self.steps(execution_id)
        return {path: execution_pb2.StepExecution.State.Name(step.state) for path, step in steps.items()}

    async def ended(self, started: execution_pb2.Execution) -> execution_pb2.Execution:
        """Watch an execution until it has ended."""
        request = pb.WatchExecutionRequest(execution_id=started.execution_id)
        execution = started
        stream = self.first.executions.WatchExecution(
            request, metadata=self.bearer(), timeout=PATIENCE, wait_for_ready=True
        )
        async for news in stream:
            execution = news.execution
        assert execution.HasField("end_time")
        return execution

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:  # records of asyncpg
        """Return what the database answers the service's system role."""
        return await query(self.installation.url("execution_system"), statement, *arguments)

    async def close(self) -> None:
        """End every process."""
        for replica in self.replicas:
            await replica.close()


@asynccontextmanager
async def open_execution_stage(installation: Installation) -> AsyncIterator[ExecutionStage]:
    """Open a stage without a process."""
    stage = ExecutionStage(installation)
    try:
        yield stage
    finally:
        await stage.close()
