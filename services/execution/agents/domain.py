"""An agent: one step, and the limits within which it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.execution.agents.errors import AgentInWrongState, AgentNotDeleted, AgentNotFound
from services.execution.definitions.domain import CONTAINERS, UNTIMED, Definition, Step, Type
from services.execution.versions.domain import Refusals, Version

TYPES = frozenset(Type) - CONTAINERS - {Type.NOOP, Type.WAIT, Type.APPROVAL, Type.AGENT}
"""Types of which the step of an agent can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Version):
    """One version of an agent. `max_memory` is in MiB; `parameters` is a JSON Schema of what it is given."""

    ID = "agent_id"
    REFUSALS = Refusals(AgentNotFound, AgentInWrongState, AgentNotDeleted)

    agent_id: UUID
    parent_agent_id: UUID
    step: Step
    parameters: Mapping[str, Any] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    max_execution_duration: timedelta = timedelta(seconds=300)
    max_memory: int = 512
    max_concurrent_executions: int = 1

    @property
    def definition(self) -> Definition:
        """What an execution of it runs: its step, within its limits."""
        timeout = None if self.step.type in UNTIMED else self.max_execution_duration.total_seconds()
        step = replace(self.step, timeout=timeout, max_memory=self.max_memory)
        return Definition((step,), self.parameters or None)


def bare(step: Step) -> Step:
    """Return a step without the limits that its agent has for it."""
    return replace(step, timeout=None, max_memory=512)
