"""Agents in sessions, and what devices are shown of them."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from stateroom.agent.v1 import agent_event_pb2
from stateroom.session.v1 import coding_agent_pb2, session_pb2, session_service_pb2
from stateroom.session.v1 import coding_agent_service_pb2 as pb
from stateroom.session.v1.coding_agent_service_pb2_grpc import CodingAgentServiceStub

from chassis import ids
from tests.support.stage import Stage
from tests.support.waiting import PATIENCE, until

AGENT = session_pb2.Session.AGENT


@dataclass(slots=True)
class Talk:
    """A session with an agent, and one device's stream of its events, which it opens again where it was cut."""

    stage: Stage
    session_id: str
    shown: list[pb.StreamAgentEventsResponse] = field(default_factory=list)

    @classmethod
    async def open(cls, stage: Stage, *, mode: str = "", command: tuple[str, ...] = (), **agent: str) -> Self:
        """Start an agent: the understudy, or a command."""
        settings = coding_agent_pb2.CodingAgentSession(preset="" if command else "understudy", mode=mode, **agent)
        wanted = session_pb2.Session(
            workspace_id=str(stage.workspace.workspace_id), kind=AGENT, command=command, agent=settings
        )
        opened = await stage.call("CreateSession", session_service_pb2.CreateSessionRequest(session=wanted))
        return cls(stage, opened.session_id)

    def device(self, stage: Stage | None = None) -> "Talk":
        """Return another device at the same session, maybe at another process of the service."""
        return Talk(stage or self.stage, self.session_id)

    async def call(self, method: str, request: Any, account_id: UUID | None = None) -> Any:  # any message
        """Call the service of agents."""
        stub: Any = CodingAgentServiceStub(self.stage.channel)
        metadata = self.stage.bearer(account_id)
        return await getattr(stub, method)(request, metadata=metadata, timeout=PATIENCE, wait_for_ready=True)

    async def prompt(self, text: str, request_id: str = "") -> pb.PromptAgentResponse:
        """Ask something of the agent."""
        request = pb.PromptAgentRequest(session_id=self.session_id, text=text, request_id=request_id)
        answer: pb.PromptAgentResponse = await self.call("PromptAgent", request)
        return answer

    async def answer(self, permission_id: str, option_id: str = "allow") -> pb.AnswerPermissionResponse:
        """Answer a request for permission."""
        request = pb.AnswerPermissionRequest(
            session_id=self.session_id, permission_id=permission_id, option_id=option_id, request_id=str(ids.new())
        )
        answer: pb.AnswerPermissionResponse = await self.call("AnswerPermission", request)
        return answer

    async def turns(self) -> list[coding_agent_pb2.AgentTurn]:
        """Return what was asked, newest first."""
        page = await self.call("ListAgentTurns", pb.ListAgentTurnsRequest(session_id=self.session_id))
        return list(page.turns)

    async def ended_turn(self) -> coding_agent_pb2.AgentTurn:
        """Wait until the newest turn is noted as ended, and return it."""
        found: list[coding_agent_pb2.AgentTurn] = []

        async def ended() -> bool:
            found[:] = await self.turns()
            return bool(found) and found[0].state == coding_agent_pb2.AgentTurn.ENDED

        await until(ended)
        return found[0]

    async def permissions(self) -> list[coding_agent_pb2.Permission]:
        """Return what was asked permission for, newest first."""
        page = await self.call("ListPermissions", pb.ListPermissionsRequest(session_id=self.session_id))
        return list(page.permissions)

    async def until(self, kind: str, count: int = 1) -> list[agent_event_pb2.AgentEvent]:
        """Read until there are so many events of a kind, and return all of that kind."""
        stub: Any = CodingAgentServiceStub(self.stage.channel)
        after = self.shown[-1].sequence if self.shown else 0
        request = pb.StreamAgentEventsRequest(session_id=self.session_id, after_sequence=after)
        if len(self.of(kind)) >= count:
            return self.of(kind)
        call = stub.StreamAgentEvents(request, metadata=self.stage.bearer(), timeout=PATIENCE, wait_for_ready=True)
        async for response in call:
            self.shown.append(response)
            if len(self.of(kind)) >= count:
                call.cancel()
                return self.of(kind)
        msg = f"the session ended: {[event.WhichOneof('event') for event in self.events]}"
        raise AssertionError(msg)

    async def end(self) -> list[agent_event_pb2.AgentEvent]:
        """Read to the end of the session."""
        with suppress(AssertionError):
            await self.until("never")
        return self.events

    @property
    def events(self) -> list[agent_event_pb2.AgentEvent]:
        """What was shown."""
        return [response.event for response in self.shown]

    def of(self, kind: str) -> list[agent_event_pb2.AgentEvent]:
        """Return the events of a kind."""
        return [event for event in self.events if event.WhichOneof("event") == kind]

    @property
    def said(self) -> str:
        """All that the agent said."""
        return "".join(event.message.text for event in self.of("message"))
