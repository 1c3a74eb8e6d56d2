"""Expressions and schemas: what takes long of one, or of one account, keeps nobody else waiting."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chassis import ids
from services.execution.expressions import Evaluation

TWICE = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 41)}
ENDLESS = {"$ref": "#/$defs/d40", "$defs": {"d0": {"type": "string"}} | TWICE}
"""A schema that looks at a value two to the power of forty times."""
NOTHING: dict[str, object] = {"inputs": {}, "steps": {}}


@pytest_asyncio.fixture
async def evaluation() -> AsyncIterator[Evaluation]:
    """Return what evaluates, and end its children."""
    evaluation = Evaluation()
    yield evaluation
    await evaluation.close()


async def test_schema_that_takes_too_long_is_ended_and_no_expression_waits_for_it(evaluation: Evaluation) -> None:
    """Expressions are everybody's, and fail when they wait for too long."""
    expressions = evaluation.of(ids.new())
    async with evaluation.schemas.turns.turn(ids.new()):
        assert await expressions.evaluate({"n": "1 + 1"}, NOTHING) == {"n": 2}
    (misfit,) = await expressions.misfits(ENDLESS, "text")
    assert "took more than 2 s" in misfit.what
    assert not await expressions.misfits({"type": "string"}, "text")
