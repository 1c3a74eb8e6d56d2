"""What was made of a template, checked as if somebody had written it, and stored as theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stateroom.execution.v1 import agent_pb2, workflow_pb2
from stateroom.execution.v1.template_service_pb2 import InstantiateTemplateResponse

from chassis.actor import Actor
from chassis.database import Database
from services.execution.agents import checking as agents
from services.execution.agents.convert import agent_from_proto, agent_to_proto
from services.execution.agents.store import AGENTS
from services.execution.definitions.checking import Checking
from services.execution.definitions.convert import workflow_from_proto, workflow_to_proto
from services.execution.definitions.store import WORKFLOWS
from services.execution.templates import operations
from services.execution.templates.domain import Template
from services.execution.templates.making import message_of


@dataclass(frozen=True, slots=True)
class Instantiating:
    """Makes workflows, agents and steps of templates."""

    database: Database
    checking: Checking

    async def instantiate(
        self, actor: Actor, template: Template, name: str, values: Mapping[str, Any]
    ) -> InstantiateTemplateResponse:
        """Make what a template becomes with these values. Raises what creating one would, and TemplateNotFound."""
        template.expect_kept()
        message = await message_of(template, name, values, self.checking.evaluation.of(actor.account_id))
        if isinstance(message, workflow_pb2.Workflow):
            return await self._workflow(actor, template, message)
        if isinstance(message, agent_pb2.Agent):
            return await self._agent(actor, template, message)
        await self.database.write(actor, operations.use, template_id=template.template_id)
        return InstantiateTemplateResponse(step=message)

    async def _workflow(
        self, actor: Actor, template: Template, message: workflow_pb2.Workflow
    ) -> InstantiateTemplateResponse:
        wanted = workflow_from_proto(message, actor.account_id, UUID(actor.subject), datetime.now(UTC))
        await self.checking.expect_valid(actor, wanted.definition, "workflow.definition")
        made = await self.database.write(
            actor, operations.instantiate, template_id=template.template_id, family=WORKFLOWS, version=wanted
        )
        return InstantiateTemplateResponse(workflow=workflow_to_proto(made))

    async def _agent(self, actor: Actor, template: Template, message: agent_pb2.Agent) -> InstantiateTemplateResponse:
        wanted = agent_from_proto(message, actor.account_id, UUID(actor.subject), datetime.now(UTC))
        await agents.expect_valid(self.checking, actor, {"step": wanted.step, "parameters": wanted.parameters})
        made = await self.database.write(
            actor, operations.instantiate, template_id=template.template_id, family=AGENTS, version=wanted
        )
        return InstantiateTemplateResponse(agent=agent_to_proto(made))
