"""What can go wrong with agents."""

from uuid import UUID

from chassis.errors import InvalidArgument, LimitExceeded, NotFound, Violation, WrongState


class AgentNotFound(NotFound):
    """There is no agent {agentId} in this account."""

    reason = "AGENT_NOT_FOUND"

    def __init__(self, agent_id: UUID) -> None:
        super().__init__(agentId=str(agent_id))


class AgentInWrongState(WrongState):
    """Agent {agentId} is {state}; this needs one that is {needed}."""

    reason = "AGENT_IN_WRONG_STATE"

    def __init__(self, agent_id: UUID, state: str, needed: str) -> None:
        super().__init__(agentId=str(agent_id), state=state, needed=needed)


class AgentNotDeleted(WrongState):
    """Agent {agentId} is not deleted."""

    reason = "AGENT_NOT_DELETED"

    def __init__(self, agent_id: UUID) -> None:
        super().__init__(agentId=str(agent_id))


class InvalidAgent(InvalidArgument):
    """The agent has problems ({problems}): {field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_AGENT"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        first = violations[0]
        super().__init__(problems=str(len(violations)), field=first.field, description=first.description)


class AgentBusy(LimitExceeded):
    """As many executions of agent {agentId} run as may at once, which is {limit}."""

    reason = "AGENT_BUSY"

    def __init__(self, agent_id: UUID, limit: int) -> None:
        super().__init__(agentId=str(agent_id), limit=str(limit))
