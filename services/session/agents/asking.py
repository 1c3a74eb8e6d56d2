"""Asking something of an agent: the runner that it lives in decides, and its log says what was decided."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid5

from stateroom.agent.v1 import agent_event_pb2
from stateroom.agent.v1.agent_event_pb2 import Author
from stateroom.runner.v1 import agent_service_pb2 as runner_pb
from stateroom.runner.v1.agent_service_pb2_grpc import AgentServiceStub
from stateroom.session.v1 import coding_agent_service_pb2 as pb

from chassis import ids
from chassis.errors import DomainError, RequestIdReused
from services.session.agents import convert
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import Runners

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks agents. All raise NoAgent for what is none, and SessionNotActive once it has ended."""

    runners: Runners

    async def prompt(self, author: Author, session: Session, request: pb.PromptAgentRequest) -> pb.PromptAgentResponse:
        """Begin a turn; the same request id begins it once. TurnRunning, RequestIdReused."""
        turn_id = str(uuid5(session.session_id, request.request_id) if request.request_id else ids.new())
        prompt = convert.prompt_from_proto(request, turn_id)
        wanted = runner_pb.PromptAgentRequest(session_id=str(session.session_id), prompt=prompt, author=author)
        try:
            begun = await self._call(session, lambda stub: stub.PromptAgent, wanted)
        except DomainError as exc:
            if exc.reason == RequestIdReused.reason:
                raise RequestIdReused(request.request_id) from exc
            raise
        return pb.PromptAgentResponse(turn_id=turn_id, sequence=begun.sequence)

    async def answer(
        self, author: Author, session: Session, request: pb.AnswerPermissionRequest
    ) -> pb.AnswerPermissionResponse:
        """Answer a request for permission, as the first. PermissionNotFound, PermissionAnswered, InvalidField."""
        wanted = runner_pb.AnswerPermissionRequest(
            session_id=str(session.session_id),
            answer=agent_event_pb2.PermissionAnswer(permission_id=request.permission_id, option_id=request.option_id),
            author=author,
            answer_id=request.request_id,
        )
        answered = await self._call(session, lambda stub: stub.AnswerPermission, wanted)
        return pb.AnswerPermissionResponse(sequence=answered.sequence)

    async def cancel(self, author: Author, session: Session) -> pb.CancelTurnResponse:
        """Have the turn that runs ended."""
        wanted = runner_pb.CancelTurnRequest(session_id=str(session.session_id), author=author)
        cancelled = await self._call(session, lambda stub: stub.CancelTurn, wanted)
        return pb.CancelTurnResponse(turn_id=cancelled.turn_id)

    async def change(self, author: Author, session: Session, setting_id: str, value: str) -> None:
        """Change a setting of the agent. InvalidField, AgentRefused."""
        wanted = runner_pb.ChangeSettingRequest(
            session_id=str(session.session_id), setting_id=setting_id, value=value, author=author
        )
        await self._call(session, lambda stub: stub.ChangeSetting, wanted)

    async def _call(self, session: Session, method: Callable[[Any], Callable[..., Awaitable[T]]], request: object) -> T:
        session.expect_agent()
        session.expect_running()
        return await self.runners.ask(session, lambda runner: method(AgentServiceStub(runner.peer.channel)), request)
