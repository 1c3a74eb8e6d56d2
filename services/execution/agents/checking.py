"""What is wrong with an agent: everything at once."""

from collections.abc import Mapping
from typing import Any

from chassis.actor import Actor
from chassis.errors import Violation
from services.execution.agents.domain import TYPES
from services.execution.agents.errors import InvalidAgent
from services.execution.definitions.checking import Checking
from services.execution.definitions.domain import Definition
from services.execution.definitions.validation import problems_of_schema


async def expect_valid(checking: Checking, actor: Actor, values: Mapping[str, Any]) -> None:
    """Raise InvalidAgent with all problems of the `step` and `parameters` that an agent is to have, if they change."""
    problems: list[tuple[str, str]] = []
    if values.get("parameters"):
        wrong = await problems_of_schema(values["parameters"], checking.evaluation.of(actor.account_id))
        problems += [(f"parameters{place}", what) for place, what in wrong]
    if "step" in values:
        step = values["step"]
        if step.type not in TYPES:
            problems.append(("step", f"is of the type {step.type.name}, of which no agent is"))
        else:
            found = await checking.problems(actor, Definition((step,)))
            problems += [(where.replace("steps[0]", "step", 1), what) for where, what in found]
    if problems:
        raise InvalidAgent(*(Violation(f"agent.{where}", what) for where, what in problems))
