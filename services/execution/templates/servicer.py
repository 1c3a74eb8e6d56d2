"""TemplateService: what agents, workflows and steps are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stateroom.execution.v1 import template_pb2
from stateroom.execution.v1 import template_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from chassis.system import SystemDatabase
from services.execution import structs
from services.execution.agents.domain import Agent
from services.execution.agents.queries import get_agent
from services.execution.definitions.checking import Checking
from services.execution.definitions.domain import Workflow
from services.execution.definitions.queries import get_workflow
from services.execution.templates import convert, making, operations, queries
from services.execution.templates.domain import NOBODY, Template
from services.execution.templates.instantiating import Instantiating
from services.execution.templates.numbers import numbers_of, popular


@dataclass(frozen=True, slots=True)
class TemplateServicer:
    """Serves stateroom.execution.v1.TemplateService."""

    database: Database
    system: SystemDatabase
    pages: Pages
    checking: Checking

    async def CreateTemplate(self, request: pb.CreateTemplateRequest, call: Call) -> template_pb2.Template:
        """Make a template."""
        source = await self._source(request.template, call)
        user_id = ids.parse(call.principal.subject)
        template = convert.template_from_proto(request, source, call.account_id, user_id, datetime.now(UTC))
        template = making.with_places(template, request.replacements)
        await making.expect_usable(template, self.checking.evaluation.of(call.account_id))
        made = await self.database.write(call.actor, operations.create_template, template=template)
        return convert.template_to_proto(made)

    async def GetTemplate(self, request: pb.GetTemplateRequest, call: Call) -> template_pb2.Template:
        """Return a template."""
        template_id = ids.parse(request.template_id)
        template = await self.database.read(call.actor, queries.get_template, template_id=template_id)
        return await self._shown(template, call)

    async def ListTemplates(self, request: pb.ListTemplatesRequest, call: Call) -> pb.ListTemplatesResponse:
        """Return a page of templates."""
        page = self.pages.open(request, call.account_id)
        wanted = convert.filter_from_proto(request, show_deleted=request.show_deleted)
        rows = await self.database.read(
            call.actor, queries.list_templates, wanted=wanted, limit=page.limit, after=page.after_id
        )
        shown, token = page.cut(rows, key=lambda template: template.template_id)
        return pb.ListTemplatesResponse(templates=await self._all(shown, call), next_page_token=token)

    async def ListPopularTemplates(
        self, request: pb.ListPopularTemplatesRequest, call: Call
    ) -> pb.ListPopularTemplatesResponse:
        """Return the templates of which most was made."""
        page = self.pages.open(request, call.account_id)
        order = await popular(self.system, call.account_id, NOBODY)
        wanted = convert.filter_from_proto(request)
        found = await self.database.read(call.actor, queries.list_chosen, wanted=wanted, template_ids=order)
        places = list(enumerate(found, 1))[page.after_number or 0 :][: page.limit]
        shown, token = page.cut(places, key=lambda place: place[0])
        templates = await self._all([template for _, template in shown], call)
        return pb.ListPopularTemplatesResponse(templates=templates, next_page_token=token)

    async def InstantiateTemplate(
        self, request: pb.InstantiateTemplateRequest, call: Call
    ) -> pb.InstantiateTemplateResponse:
        """Make something of a template."""
        template_id = ids.parse(request.template_id)
        template = await self.database.read(call.actor, queries.get_template, template_id=template_id)
        values = structs.read(request.parameters, "parameters")
        instantiating = Instantiating(self.database, self.checking)
        return await instantiating.instantiate(call.actor, template, request.name, values)

    async def RateTemplate(self, request: pb.RateTemplateRequest, call: Call) -> template_pb2.Template:
        """Note what the caller thinks of a template."""
        template_id = ids.parse(request.template_id)
        rated = await self.database.write(
            call.actor, operations.rate_template, template_id=template_id, rating=request.rating
        )
        return await self._shown(rated, call)

    async def DeleteTemplate(self, request: pb.DeleteTemplateRequest, call: Call) -> template_pb2.Template:
        """Delete a template."""
        template_id = ids.parse(request.template_id)
        deleted = await self.database.write(
            call.actor, operations.delete_template, template_id=template_id, etag=request.etag
        )
        return await self._shown(deleted, call)

    async def UndeleteTemplate(self, request: pb.UndeleteTemplateRequest, call: Call) -> template_pb2.Template:
        """Bring a template back."""
        template_id = ids.parse(request.template_id)
        undeleted = await self.database.write(
            call.actor, operations.undelete_template, template_id=template_id, etag=request.etag
        )
        return await self._shown(undeleted, call)

    async def _source(self, wanted: template_pb2.Template, call: Call) -> Workflow | Agent | None:
        if wanted.workflow_id:
            workflow_id = ids.parse(wanted.workflow_id)
            return await self.database.read(call.actor, get_workflow, workflow_id=workflow_id)
        if wanted.agent_id:
            return await self.database.read(call.actor, get_agent, agent_id=ids.parse(wanted.agent_id))
        return None

    async def _shown(self, template: Template, call: Call) -> template_pb2.Template:
        (shown,) = await self._all([template], call)
        return shown

    async def _all(self, templates: Sequence[Template], call: Call) -> list[template_pb2.Template]:
        numbers = await numbers_of(self.system, [template.template_id for template in templates])
        return [
            convert.template_to_proto(template.seen_from(call.account_id), numbers[template.template_id])
            for template in templates
        ]
