"""Definitions, checked against what there is in an account."""

from dataclasses import dataclass
from uuid import UUID

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import Violation
from services.execution.agents import queries as agents
from services.execution.definitions.domain import Definition, Type
from services.execution.definitions.errors import InvalidWorkflow
from services.execution.definitions.validation import problems_of
from services.execution.expressions import Evaluation


@dataclass(frozen=True, slots=True)
class Checking:
    """Checks what somebody wants to be stored or run."""

    database: Database
    evaluation: Evaluation

    async def problems(self, actor: Actor, definition: Definition) -> list[tuple[str, str]]:
        """Return everything that is wrong: where in the definition, and what."""
        named = {UUID(step.agent_id) for step in definition.steps if step.type is Type.AGENT}
        known = await self.database.read(actor, agents.parameters_of, agent_ids=named) if named else {}
        return await problems_of(definition, self.evaluation.of(actor.account_id), known)

    async def expect_valid(self, actor: Actor, definition: Definition, field: str) -> None:
        """Raise InvalidWorkflow with all problems of a definition that stands in a field of a request."""
        if problems := await self.problems(actor, definition):
            raise InvalidWorkflow(*(Violation(f"{field}.{where}", what) for where, what in problems))
