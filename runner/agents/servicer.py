"""The contract of agents in a runner, method by method."""

from dataclasses import dataclass

from stateroom.runner.v1 import agent_service_pb2 as pb

from chassis.rpc.call import Call
from runner.agents.agents import Agents


@dataclass(frozen=True, slots=True)
class AgentServicer:
    """Serves the agents of one room."""

    agents: Agents

    async def PromptAgent(self, request: pb.PromptAgentRequest, _call: Call) -> pb.PromptAgentResponse:
        """Begin a turn."""
        sequence = self.agents.get(request.session_id).prompt(request.prompt, request.author)
        return pb.PromptAgentResponse(sequence=sequence)

    async def AnswerPermission(self, request: pb.AnswerPermissionRequest, _call: Call) -> pb.AnswerPermissionResponse:
        """Answer a request for permission."""
        questions = self.agents.get(request.session_id).questions
        return pb.AnswerPermissionResponse(sequence=questions.answer(request.answer, request.author, request.answer_id))

    async def CancelTurn(self, request: pb.CancelTurnRequest, _call: Call) -> pb.CancelTurnResponse:
        """Have a turn ended."""
        return pb.CancelTurnResponse(turn_id=self.agents.get(request.session_id).cancel(request.author))

    async def ChangeSetting(self, request: pb.ChangeSettingRequest, _call: Call) -> pb.ChangeSettingResponse:
        """Change a setting."""
        await self.agents.get(request.session_id).change(request.setting_id, request.value, request.author)
        return pb.ChangeSettingResponse()
