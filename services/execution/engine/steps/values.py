"""The values of a step's expressions, and those that come from outside."""

import sys
from collections.abc import Mapping
from typing import Any

from services.execution.definitions.domain import Step
from services.execution.engine.steps.port import Attempt, StepFailed
from services.execution.expressions import Evaluation, ExpressionFailed, Expressions
from services.execution.secrets.keyring import CUT

_DEPTH = 32
_SHORT = 100  # characters


async def of_inputs(expressions: Expressions, step: Step, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step is given, by name. StepFailed when one of it has no value."""
    return await of_texts(expressions, step.inputs, variables)


async def of_expression(evaluation: Evaluation, attempt: Attempt) -> Any:
    """Return the value of a step's one expression. StepFailed when it has none."""
    expressions = evaluation.of(attempt.account_id)
    return (await of_texts(expressions, {"expression": attempt.step.expression}, attempt.variables))["expression"]


def short(value: object) -> str:
    """Return a value as a sentence can hold it. Secrets in it are hidden afterwards, and one that is cut as well."""
    text = repr(value)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}{CUT}"


async def of_texts(expressions: Expressions, texts: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of expressions, by name. StepFailed when one of them has none."""
    try:
        return await expressions.evaluate(texts, variables)
    except ExpressionFailed as exc:
        raise StepFailed("EXPRESSION_FAILED", str(exc)) from exc


def storable(value: Any, depth: int = 0) -> Any:
    """Return JSON from outside as it can be kept and shown: without what a database or a message has no form for.

    StepFailed when its parts are too deep inside each other.
    """
    if depth > _DEPTH:
        raise StepFailed("OUTPUT_TOO_DEEP", f"its parts are more than {_DEPTH} deep inside each other")
    if isinstance(value, dict):
        return {_text(key): storable(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [storable(each, depth + 1) for each in value]
    if isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
        return None
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
