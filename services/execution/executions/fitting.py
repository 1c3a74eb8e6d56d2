"""Whether what an execution is given fits the schema of what it runs."""

from collections.abc import Mapping
from typing import Any

from chassis.errors import Violation
from services.execution.definitions.domain import Definition
from services.execution.executions.domain import Failure
from services.execution.executions.errors import InvalidInput
from services.execution.expressions import Expressions


async def expect_fitting(
    definition: Definition, given: Mapping[str, Any], expressions: Expressions, field: str = "execution.input"
) -> None:
    """Raise InvalidInput with all problems; `field` is where the request has it."""
    if definition.input_schema is None:
        return
    misfits = await expressions.misfits(definition.input_schema, given)
    if misfits:
        raise InvalidInput(*(Violation(f"{field}{each.place}", each.what) for each in misfits))


async def failure_of(definition: Definition, given: Mapping[str, Any], expressions: Expressions) -> Failure | None:
    """Return why an execution that was started cannot run, such as one of a trigger; None if it can."""
    try:
        await expect_fitting(definition, given, expressions)
    except InvalidInput as exc:
        said = "; ".join(f"{each.field}: {each.description}" for each in exc.violations)
        return Failure(exc.reason, said[:2000])
    return None
