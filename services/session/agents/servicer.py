"""CodingAgentService: what is asked of coding agents."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from stateroom.agent.v1.agent_event_pb2 import Author
from stateroom.session.v1 import coding_agent_service_pb2 as pb

from chassis import ids
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.agents import convert, queries
from services.session.agents.asking import Asking
from services.session.agents.stream import Streams
from services.session.sessions.domain import Session
from services.session.sessions.live.opening import Opener
from services.session.sessions.queries import get_session


@dataclass(frozen=True, slots=True)
class CodingAgentServicer:
    """Serves stateroom.session.v1.CodingAgentService."""

    database: Database
    pages: Pages
    opener: Opener
    asking: Asking
    streams: Streams

    async def PromptAgent(self, request: pb.PromptAgentRequest, call: Call) -> pb.PromptAgentResponse:
        """Begin a turn."""
        return await self.asking.prompt(_author(call), await self._started(request.session_id, call), request)

    async def AnswerPermission(self, request: pb.AnswerPermissionRequest, call: Call) -> pb.AnswerPermissionResponse:
        """Answer a request for permission."""
        return await self.asking.answer(_author(call), await self._started(request.session_id, call), request)

    async def CancelTurn(self, request: pb.CancelTurnRequest, call: Call) -> pb.CancelTurnResponse:
        """Have a turn ended."""
        return await self.asking.cancel(_author(call), await self._started(request.session_id, call))

    async def ChangeAgentSetting(
        self, request: pb.ChangeAgentSettingRequest, call: Call
    ) -> pb.ChangeAgentSettingResponse:
        """Change a setting of an agent."""
        session = await self._started(request.session_id, call)
        await self.asking.change(_author(call), session, request.setting_id, request.value)
        return pb.ChangeAgentSettingResponse()

    async def StreamAgentEvents(
        self, request: pb.StreamAgentEventsRequest, call: Call
    ) -> AsyncIterator[pb.StreamAgentEventsResponse]:
        """Stream an agent's events."""
        session = await self._started(request.session_id, call)
        async with aclosing(self.streams.events(call, session, request.after_sequence)) as responses:
            async for response in responses:
                yield response

    async def ListAgentTurns(self, request: pb.ListAgentTurnsRequest, call: Call) -> pb.ListAgentTurnsResponse:
        """Return a page of what was asked of an agent."""
        page = self.pages.open(request, call.account_id)
        session = await self._session(request.session_id, call)
        rows = await self.database.read(
            call.actor,
            queries.list_turns,
            session_id=session.session_id,
            limit=page.limit,
            before=page.after_number,
        )
        shown, token = page.cut(rows, key=lambda turn: turn.sequence)
        return pb.ListAgentTurnsResponse(turns=map(convert.turn_to_proto, shown), next_page_token=token)

    async def ListPermissions(self, request: pb.ListPermissionsRequest, call: Call) -> pb.ListPermissionsResponse:
        """Return a page of what an agent asked permission for."""
        page = self.pages.open(request, call.account_id)
        session = await self._session(request.session_id, call)
        rows = await self.database.read(
            call.actor,
            queries.list_permissions,
            session_id=session.session_id,
            state=convert.permission_state_from_proto(request.state),
            limit=page.limit,
            before=page.after_number,
        )
        shown, token = page.cut(rows, key=lambda permission: permission.sequence)
        return pb.ListPermissionsResponse(permissions=map(convert.permission_to_proto, shown), next_page_token=token)

    async def _started(self, session_id: str, call: Call) -> Session:
        """Return a session once it has begun."""
        return await self.opener.started(call.actor, await self._session(session_id, call))

    async def _session(self, session_id: str, call: Call) -> Session:
        actor = replace(call.actor, repeat=None)
        return await self.database.read(actor, get_session, session_id=ids.parse(session_id))


def _author(call: Call) -> Author:
    return convert.author_of(call.actor, call.principal.name)
