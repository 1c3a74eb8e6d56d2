"""Steps that run an agent, as an execution of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from services.execution.agents import queries
from services.execution.agents.errors import AgentBusy
from services.execution.agents.parameters import problems_with
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Looking, Result, StepFailed
from services.execution.engine.steps.workflow import look, start
from services.execution.expressions import Expressions

TURN = timedelta(seconds=1)
"""Between looks whether one more execution of an agent may run."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Runs a version of an agent, as soon as no more executions of it run than may."""

    database: Database
    expressions: Expressions

    async def run(self, attempt: Attempt) -> Result:
        """Start it, or look whether it may be started, or has ended."""
        if attempt.progress is None:
            return await self._start(attempt, dict(attempt.inputs))
        if "inputs" in attempt.progress:
            return await self._start(attempt, attempt.progress["inputs"])
        return await look(self.database, attempt)

    async def _start(self, attempt: Attempt, given: dict[str, Any]) -> Result:
        actor, agent_id = Actor.of_service("execution", attempt.account_id), UUID(attempt.step.agent_id)
        try:
            agent = await patiently(partial(self.database.read, actor, queries.get_agent, agent_id=agent_id))
            if problems := await problems_with(agent.parameters, given, "inputs", self.expressions):
                words = "; ".join(f"{each.field}: {each.description}" for each in problems)
                raise StepFailed("INPUT_DOES_NOT_FIT", words)
            wanted = {"agent_id": agent_id, "timeout": agent.max_execution_duration}
            return await start(self.database, attempt, given, **wanted)
        except AgentBusy:
            return Looking(datetime.now(UTC) + TURN, {"inputs": given})
        except DomainError as exc:
            raise StepFailed(exc.reason, str(exc)) from exc
