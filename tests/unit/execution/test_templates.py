"""Places for parameters in templates: put in, and filled."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis import ids
from services.execution.expressions import Evaluation, Question
from services.execution.templates import making
from services.execution.templates.domain import Template, Type, generalized, rendered
from services.execution.templates.errors import InvalidTemplate


def _template(data: dict[str, Any], parameters: dict[str, Any] | None = None) -> Template:
    nobody, now = ids.new(), datetime.now(UTC)
    described = {"name": "a", "description": "", "tags": (), "type": Type.STEP, "category": ""}
    return Template(
        template_id=ids.new(),
        account_id=nobody,
        user_id=nobody,
        **described,  # type: ignore[arg-type]  # texts of no interest here
        data=data,
        parameters=parameters or {},
        is_public=False,
        version=1,
        create_time=now,
        update_time=now,
    )


def test_generalized_replaces_nothing_in_the_names_of_parameters() -> None:
    """Neither what stands for one part holds another, nor does what comes of many grow with each of them."""
    replacements = {"a" * length: "a" * 100 for length in range(3, 67)}
    assert generalized("x aaa y", {"aaa": "aaaa", "aaaa": "b"}) == "x {{aaaa}} y"
    assert generalized(["aaaaab"], {"aaa": "three", "aaaa": "four"}) == ["{{four}}ab"]
    assert len(generalized("a" * 6600, replacements)) == 100 * 104


def test_with_places_in_data_that_becomes_too_large_is_refused() -> None:
    """It is looked at before, and afterwards."""
    for text, replacements in (("a" * making.SIZE, {"b": "b"}), ("aaa" * 4000, {"aaa": "n" * 100})):
        with pytest.raises(InvalidTemplate):
            making.with_places(_template({"key": text}), replacements)


async def test_message_of_a_template_that_multiplies_a_large_value_is_refused_before_it_is_made() -> None:
    """Fifty thousand places for a megabyte would be more than there is memory."""
    expressions = Evaluation().of(ids.new())
    for text in ("{{n}}" * 50_000, "{{n:json}}" * 25_000):
        with pytest.raises(InvalidTemplate) as refusal:
            await making.message_of(_template({"key": text}), "", {"n": "x" * 1_000_000}, expressions)
        assert "with these values" in str(refusal.value)


def test_given_takes_parameters_whose_schemas_are_no_objects() -> None:
    """True and false are schemas too."""
    parameters = {"properties": {"any": True, "n": {"default": 1}}}
    assert _template({}, parameters).given({"x": 2}) == {"n": 1, "x": 2}


@pytest.mark.parametrize("value", ["\U0001f600 \u2028 \\ \" '", ["\U0001f600", {"\U0001f600": None}]])
async def test_rendered_as_json_is_an_expression_of_the_value(value: Any) -> None:
    """Whatever characters are in it; how JSON escapes those beyond 16 bits is none of CEL's."""
    evaluation = Evaluation()
    expressions = evaluation.of(ids.new())
    text = rendered("{{n:json}}", {"n": value})
    try:
        assert json.loads(text) == value
        assert [answer.problem for answer in await expressions.check([Question(text)])] == [""]
        assert await expressions.evaluate({"n": text}, {"inputs": {}, "steps": {}}) == {"n": value}
    finally:
        await evaluation.close()
