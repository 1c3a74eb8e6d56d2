"""The values of a step's expressions."""

from collections.abc import Mapping
from typing import Any

from services.execution.definitions.domain import Step
from services.execution.engine.steps.port import Attempt, StepFailed
from services.execution.expressions import ExpressionFailed, Expressions


async def of_inputs(expressions: Expressions, step: Step, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step is given, by name. StepFailed when one of it has no value."""
    return await _values(expressions, step.inputs, variables)


async def of_expression(expressions: Expressions, attempt: Attempt) -> Any:
    """Return the value of a step's one expression. StepFailed when it has none."""
    return (await _values(expressions, {"expression": attempt.step.expression}, attempt.variables))["expression"]


def short(value: object) -> str:
    """Return a value as a sentence can hold it."""
    return repr(value)[:100]


async def _values(expressions: Expressions, texts: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return await expressions.evaluate(texts, variables)
    except ExpressionFailed as exc:
        raise StepFailed("EXPRESSION_FAILED", str(exc)) from exc
