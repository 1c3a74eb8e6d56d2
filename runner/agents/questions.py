"""What an agent asks people: each question takes one answer, the first, from whichever device it comes."""

from collections.abc import Mapping
from typing import Any

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import ids
from chassis.errors import InvalidField, Violation
from runner.agents import telling
from runner.agents.journal import Journal
from runner.agents.state import AgentState
from runner.agents.telling import Telling, fields
from runner.agents.wire import Wire
from runner.errors import PermissionAnswered, PermissionNotFound


class Questions:
    """The requests for permission of one agent."""

    def __init__(self, state: AgentState, journal: Journal, wire: Wire, told: Telling) -> None:
        self._state = state
        self._journal = journal
        self._wire = wire
        self._telling = told

    def ask(self, rpc_id: object, params: Mapping[str, Any]) -> None:
        """Write a question into the log, where people find it."""
        request = pb.PermissionRequest(
            permission_id=str(ids.new()),
            turn_id=self._state.turn_id,
            tool_call=self._telling.tool_call(fields(params.get("toolCall"))),
            options=telling.options(params.get("options")),
        )
        names = [option.option_id for option in request.options]
        self._state.permissions[request.permission_id] = [rpc_id, names]
        self._journal.write(pb.AgentEvent(permission_request=request))
        if self._state.cancelled:  # it asked before it heard that nobody is interested any more
            self.withdraw()

    def answer(self, answer: pb.PermissionAnswer, author: pb.Author, answer_id: str) -> int:
        """Answer a question, unless somebody did; return the sequence of the answer.

        Raises:
            PermissionNotFound, PermissionAnswered: it cannot be answered, or no more.
            InvalidField: it has no such option.
        """
        known = self._state.answers.get(answer.permission_id)
        if known is not None:
            option_id, user_id, earlier, sequence = known
            if answer_id and (answer_id, answer.option_id) == (earlier, option_id):
                return int(sequence)
            raise PermissionAnswered(answer.permission_id, option_id, user_id)
        pending = self._state.permissions.get(answer.permission_id)
        if pending is None:
            raise PermissionNotFound(answer.permission_id)
        if answer.option_id not in pending[1]:
            raise InvalidField(Violation("option_id", f"must be one of {', '.join(pending[1])}"))
        return self._settle(answer, {"outcome": "selected", "optionId": answer.option_id}, author, answer_id)

    def withdraw(self) -> None:
        """Answer all questions as the protocol wants it of a turn that is over."""
        for permission_id in list(self._state.permissions):
            self._settle(pb.PermissionAnswer(permission_id=permission_id), {"outcome": "cancelled"})

    def _settle(
        self,
        answer: pb.PermissionAnswer,
        outcome: Mapping[str, str],
        author: pb.Author | None = None,
        answer_id: str = "",
    ) -> int:
        rpc_id, _ = self._state.permissions.pop(answer.permission_id)
        sequence = self._journal.write(pb.AgentEvent(permission_answer=answer, author=author))
        user_id = author.user_id if author is not None else ""
        facts = (answer.option_id, user_id, answer_id, sequence)
        self._state.remember(self._state.answers, answer.permission_id, *facts)
        self._wire.send({"id": rpc_id, "result": {"outcome": outcome}})
        return sequence
