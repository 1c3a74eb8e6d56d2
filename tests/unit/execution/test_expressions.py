"""Expressions and schemas: what takes long of one keeps nobody of the other waiting."""

from services.execution.expressions import Expressions

TWICE = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2} for n in range(1, 41)}
ENDLESS = {"$ref": "#/$defs/d40", "$defs": {"d0": {"type": "string"}} | TWICE}
"""A schema that looks at a value two to the power of forty times."""


async def test_schema_that_takes_too_long_is_ended_and_no_expression_waits_for_it() -> None:
    """Expressions are everybody's, and fail when they wait for too long."""
    expressions = Expressions()
    try:
        async with expressions.schemas.turn:
            assert await expressions.evaluate({"n": "1 + 1"}, {"inputs": {}, "steps": {}}) == {"n": 2}
        (misfit,) = await expressions.misfits(ENDLESS, "text")
        assert "took more than 2 s" in misfit.what
        assert not await expressions.misfits({"type": "string"}, "text")
    finally:
        await expressions.close()
