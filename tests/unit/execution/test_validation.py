"""Every kind of problem that a definition can have before its expressions are looked at, in words and at its place."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import workflow_pb2

from chassis import ids
from services.execution.definitions.convert import definition_from_proto
from services.execution.definitions.validation import problems_of
from services.execution.expressions import Evaluation

AGENT = str(ids.new())
NOOP: dict[str, Any] = {"noop": {}}
DEEP = [{"key": f"d{n}", "parallel": {"steps": [f"d{n + 1}"]}} for n in range(8)]


@pytest.mark.parametrize(
    ("steps", "where", "words"),
    [
        (
            [{"key": "a", **NOOP, "dependsOn": ["b"]}, {"key": "b", **NOOP, "dependsOn": ["a"]}],
            "steps[1].depends_on",
            "step 'b' waits for itself, by way of others",
        ),
        (
            [{"key": "a", **NOOP, "dependsOn": ["b"]}],
            "steps[0].depends_on",
            "step 'a' depends on 'b', which is no step",
        ),
        (
            [{"key": "a", "parallel": {"steps": ["b"]}}],
            "steps[0].parallel.steps",
            "step 'a' names 'b', which is no step",
        ),
        ([{"key": "a", **NOOP}, {"key": "a", **NOOP}], "steps[1].key", "step 'a' is there 2 times"),
        (
            [{"key": "a", "loop": {"items": "[]", "steps": ["a"]}}],
            "steps[0].key",
            "step 'a' is inside itself, so nothing ever reaches it",
        ),
        (
            [*({"key": key, "parallel": {"steps": ["c"]}} for key in "ab"), {"key": "c", **NOOP}],
            "steps[2].key",
            "step 'c' is inside 2 places; it can be inside one",
        ),
        (
            [
                {"key": "a", "parallel": {"steps": ["b"]}},
                {"key": "b", **NOOP},
                {"key": "c", **NOOP, "dependsOn": ["b"]},
            ],
            "steps[2].depends_on",
            "step 'c' depends on 'b', which does not stand beside it",
        ),
        ([*DEEP, {"key": "d8", **NOOP}], "steps[8].key", "step 'd8' is inside 8 others; at most 7 are possible"),
        (
            [{"key": "a", "wait": {"duration": "1s"}, "timeout": "2s"}],
            "steps[0].timeout",
            "step 'a' is a WAIT, which has no timeout",
        ),
        ([{"key": "a", "condition": {"expression": "true"}}], "steps[0].condition", "step 'a' decides about no step"),
        (
            [{"key": "a", "agent": {"agentId": AGENT}}],
            "steps[0].agent.agent_id",
            f"step 'a' runs {AGENT}, which is no agent of this account",
        ),
    ],
    ids=[
        "cycle",
        "missing",
        "missing inside",
        "duplicate",
        "unreachable",
        "twice",
        "elsewhere",
        "deep",
        "timeout",
        "idle",
        "agent",
    ],
)
async def test_problems_of_a_definition_with_one_are_told_with_step_and_position(
    steps: list[dict[str, Any]], where: str, words: str
) -> None:
    """Each kind is told in words that help."""
    definition = definition_from_proto(ParseDict({"steps": steps}, workflow_pb2.Definition()))
    assert (where, words) in await problems_of(definition, Evaluation().of(ids.new()), {})
