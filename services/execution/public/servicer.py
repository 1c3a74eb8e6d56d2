"""PublicService: what people of an installation show to each other."""

from dataclasses import dataclass
from typing import Any

from stateroom.execution.v1 import public_service_pb2 as pb

from chassis.pages import Page, Pages
from chassis.rpc.call import Call
from chassis.system import SystemDatabase
from services.execution.agents.convert import agent_to_proto
from services.execution.agents.store import AGENTS
from services.execution.definitions.convert import workflow_to_proto
from services.execution.definitions.store import WORKFLOWS
from services.execution.public.queries import list_public
from services.execution.versions.store import Family, V


@dataclass(frozen=True, slots=True)
class PublicServicer:
    """Serves stateroom.execution.v1.PublicService."""

    system: SystemDatabase
    pages: Pages

    async def ListPublicWorkflows(
        self, request: pb.ListPublicWorkflowsRequest, call: Call
    ) -> pb.ListPublicWorkflowsResponse:
        """Return a page of workflows."""
        page = self.pages.open(request, call.account_id)
        shown, token = page.cut(await self._found(WORKFLOWS, request, page), key=lambda each: each.workflow_id)
        workflows = map(_nobodys, map(workflow_to_proto, shown))
        return pb.ListPublicWorkflowsResponse(workflows=workflows, next_page_token=token)

    async def ListPublicAgents(self, request: pb.ListPublicAgentsRequest, call: Call) -> pb.ListPublicAgentsResponse:
        """Return a page of agents."""
        page = self.pages.open(request, call.account_id)
        shown, token = page.cut(await self._found(AGENTS, request, page), key=lambda each: each.agent_id)
        agents = map(_nobodys, map(agent_to_proto, shown))
        return pb.ListPublicAgentsResponse(agents=agents, next_page_token=token)

    async def _found(self, family: Family[V], request: Any, page: Page) -> list[V]:  # a request for either
        tags = list(request.tags)
        return await list_public(self.system, family, request.words, tags, limit=page.limit, after=page.after_id)


def _nobodys(message: Any) -> Any:  # a version of either
    """Return a version without who made it, which is no concern of another account."""
    message.ClearField("user_id")
    message.ClearField("etag")
    return message
