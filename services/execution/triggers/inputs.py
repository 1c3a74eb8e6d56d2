"""What executions of a trigger are given: the values of its expressions, which see `event`."""

import json
from collections.abc import Mapping
from typing import Any

from chassis.errors import Violation
from services.execution.executions.convert import INPUT
from services.execution.executions.domain import Failure
from services.execution.expressions import ExpressionFailed, Expressions, Question
from services.execution.triggers.errors import InvalidInputs


async def expect_valid(inputs: Mapping[str, str], expressions: Expressions) -> None:
    """Raise InvalidInputs with all problems of a trigger's expressions."""
    answers = await expressions.check([Question(text, of_event=True) for text in inputs.values()])
    problems = [
        Violation(f"trigger.inputs[{name}]", answer.problem)
        for name, answer in zip(inputs, answers, strict=True)
        if answer.problem
    ]
    if problems:
        raise InvalidInputs(*problems)


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
