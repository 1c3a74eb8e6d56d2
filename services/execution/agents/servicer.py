"""AgentService: steps that have a name, in versions."""

from dataclasses import dataclass
from datetime import UTC, datetime

from stateroom.execution.v1 import agent_pb2
from stateroom.execution.v1 import agent_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.agents import convert, operations, queries
from services.execution.agents.checking import expect_valid
from services.execution.agents.domain import Agent
from services.execution.agents.store import AGENTS
from services.execution.definitions.checking import Checking
from services.execution.versions import operations as versions
from services.execution.versions.convert import filter_from_proto
from services.execution.versions.operations import Transition
from services.execution.versions.queries import list_versions

TransitionRequest = (
    pb.ActivateAgentRequest
    | pb.DeactivateAgentRequest
    | pb.ArchiveAgentRequest
    | pb.DeleteAgentRequest
    | pb.UndeleteAgentRequest
)


@dataclass(frozen=True, slots=True)
class AgentServicer:
    """Serves stateroom.execution.v1.AgentService."""

    database: Database
    pages: Pages
    checking: Checking

    async def CreateAgent(self, request: pb.CreateAgentRequest, call: Call) -> agent_pb2.Agent:
        """Make an agent, or only look for problems."""
        user_id = ids.parse(call.principal.subject)
        wanted = convert.agent_from_proto(request.agent, call.account_id, user_id, datetime.now(UTC))
        await expect_valid(self.checking, call.actor, {"step": wanted.step, "parameters": wanted.parameters})
        if request.validate_only:
            return convert.agent_to_proto(wanted)
        agent = await self.database.write(call.actor, versions.create_version, family=AGENTS, version=wanted)
        return convert.agent_to_proto(agent)

    async def GetAgent(self, request: pb.GetAgentRequest, call: Call) -> agent_pb2.Agent:
        """Return a version."""
        agent_id = ids.parse(request.agent_id)
        return convert.agent_to_proto(await self.database.read(call.actor, queries.get_agent, agent_id=agent_id))

    async def ListAgents(self, request: pb.ListAgentsRequest, call: Call) -> pb.ListAgentsResponse:
        """Return a page of versions."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            list_versions,
            family=AGENTS,
            wanted=filter_from_proto(request, request.parent_agent_id, convert.state_from_proto(request.state)),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda agent: agent.agent_id)
        return pb.ListAgentsResponse(agents=map(convert.agent_to_proto, shown), next_page_token=token)

    async def UpdateAgent(self, request: pb.UpdateAgentRequest, call: Call) -> agent_pb2.Agent:
        """Change a draft, or make the next version."""
        names = masks.fields_to_set(request.agent, request.update_mask)
        values = convert.values_from_proto(request.agent, names)
        await expect_valid(self.checking, call.actor, values)
        agent = await self.database.write(
            call.actor,
            versions.update_version,
            family=AGENTS,
            entity_id=ids.parse(request.agent_id),
            values=values,
            user_id=ids.parse(call.principal.subject),
            etag=request.etag,
        )
        return convert.agent_to_proto(agent)

    async def ActivateAgent(self, request: pb.ActivateAgentRequest, call: Call) -> agent_pb2.Agent:
        """Let executions be started from a version."""
        return await self._change(versions.activate_version, request, call)

    async def DeactivateAgent(self, request: pb.DeactivateAgentRequest, call: Call) -> agent_pb2.Agent:
        """Let none be started from a version."""
        return await self._change(versions.deactivate_version, request, call)

    async def ArchiveAgent(self, request: pb.ArchiveAgentRequest, call: Call) -> agent_pb2.Agent:
        """Only keep a version."""
        return await self._change(versions.archive_version, request, call)

    async def DeleteAgent(self, request: pb.DeleteAgentRequest, call: Call) -> agent_pb2.Agent:
        """Delete a version."""
        return await self._change(operations.delete_agent, request, call)

    async def UndeleteAgent(self, request: pb.UndeleteAgentRequest, call: Call) -> agent_pb2.Agent:
        """Bring a version back."""
        return await self._change(versions.undelete_version, request, call)

    async def _change(self, operation: Transition[Agent], request: TransitionRequest, call: Call) -> agent_pb2.Agent:
        agent_id = ids.parse(request.agent_id)
        agent = await self.database.write(call.actor, operation, family=AGENTS, entity_id=agent_id, etag=request.etag)
        return convert.agent_to_proto(agent)
