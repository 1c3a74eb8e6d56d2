"""What executions of a trigger are given: the values of its expressions, which see `event`."""

import json
from collections.abc import Mapping
from typing import Any

from chassis.errors import Violation
from services.execution.executions.convert import INPUT
from services.execution.executions.domain import Failure
from services.execution.expressions import ExpressionFailed, Expressions, Question
from services.execution.triggers.errors import InvalidExpression

_CONDITION = "trigger.event.condition"


async def expect_valid(inputs: Mapping[str, str], condition: str, expressions: Expressions) -> None:
    """Raise InvalidExpression with all problems of a trigger's expressions; the condition may be empty."""
    places = {f"trigger.inputs[{name}]": text for name, text in inputs.items()}
    if condition:
        places[_CONDITION] = condition
    answers = await expressions.check([Question(text, of_event=True) for text in places.values()])
    problems = [
        Violation(place, answer.problem) for place, answer in zip(places, answers, strict=True) if answer.problem
    ]
    if condition and answers[-1].type not in {"", "BOOL", "DYN"}:
        problems.append(Violation(_CONDITION, f"gives {answers[-1].type}, not true or false"))
    if problems:
        raise InvalidExpression(*problems)


async def of_event(
    inputs: Mapping[str, str], event: Mapping[str, Any], expressions: Expressions
) -> dict[str, Any] | Failure:
    """Return what an execution is given because of an event, or why it gets nothing."""
    try:
        given = await expressions.evaluate(inputs, {"event": event})
    except ExpressionFailed as exc:
        return Failure("EXPRESSION_FAILED", str(exc))
    size = len(json.dumps(given))
    if size > INPUT:
        return Failure("INPUT_TOO_LARGE", f"{size} bytes are too much: an execution is given {INPUT} at most")
    return given


async def holds(condition: str, event: Mapping[str, Any], expressions: Expressions) -> bool | Failure:
    """Return whether a condition is true of an event, or why nobody can tell. An empty one is."""
    if not condition:
        return True
    try:
        value = (await expressions.evaluate({"condition": condition}, {"event": event}))["condition"]
    except ExpressionFailed as exc:
        return Failure("EXPRESSION_FAILED", f"condition: {exc}")
    if not isinstance(value, bool):
        return Failure("EXPRESSION_FAILED", "condition: gives neither true nor false")
    return value
