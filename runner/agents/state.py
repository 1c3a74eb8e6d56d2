"""What one conversation with an agent is about at this moment, in a form that passes to other code in an upgrade."""

from dataclasses import dataclass, field
from typing import Any

REMEMBERED = 256
"""Turns and answers whose repetition is recognised."""


@dataclass(slots=True)
class AgentState:
    """One conversation. Everything in it is JSON.

    Attributes:
        wanted: settings to begin with.
        loads: the conversation to go on with; empty for a new one.
        conversation_id: the agent's own id of the conversation; empty until it is ready.
        asked: what was asked of the agent and is not answered: method, purpose and facts, by the id of the request.
        serving: what the agent asked and is not answered: its id, method and parameters, by that id as JSON.
        prompt: the parts of a prompt that waits until the agent is ready.
        turn_id: the turn that runs; empty for none.
        turns: sequence and content of earlier prompts, by turn.
        answers: option, user, answer's id and sequence of each answer; those withdrawn have no option.
        permissions: requests that nobody answered: the agent's id of each, and the options.
        config: the agent's own id of each setting, by ours; empty for the mode of agents that have no options.
        terminals: open terminals, with how much of their output is kept.
    """

    session_id: str
    wanted: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    loads: str = ""
    conversation_id: str = ""
    next_id: int = 1
    asked: dict[str, list[Any]] = field(default_factory=dict)
    serving: dict[str, list[Any]] = field(default_factory=dict)
    prompt: list[Any] = field(default_factory=list)
    turn_id: str = ""
    cancelled: bool = False
    turns: dict[str, list[Any]] = field(default_factory=dict)
    permissions: dict[str, list[Any]] = field(default_factory=dict)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    terminals: dict[str, int] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether the agent takes prompts."""
        return bool(self.conversation_id)

    def remember(self, known: dict[str, list[Any]], key: str, *facts: object) -> None:
        """Keep facts under a key, and forget the oldest when there are many."""
        known[key] = list(facts)
        while len(known) > REMEMBERED:
            known.pop(next(iter(known)))
