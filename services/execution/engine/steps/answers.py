"""What comes of an answer of a model: tools that are to be called, or the output of the step."""

import json
from collections.abc import Mapping
from typing import Any

from services.execution.definitions.domain import Llm
from services.execution.engine.steps import values
from services.execution.engine.steps.port import StepFailed
from services.execution.expressions import Expressions
from services.execution.llm.talk import Answer

BAD = "LLM_BAD_OUTPUT"
"""Why a step fails whose answer is of no use."""

_FENCE = "```"


async def calls_of(llm: Llm, answer: Answer, expressions: Expressions) -> list[dict[str, Any]]:
    """Return the tools that an answer calls. StepFailed for one that was not declared, or is called wrongly."""
    declared = {tool.name: tool for tool in llm.tools}
    calls = []
    for _, said in sorted(answer.calls.items()):
        tool = declared.get(said["name"])
        if tool is None:
            raise StepFailed(BAD, f"it called {values.short(said['name'])}, which is no tool that was declared")
        arguments = _json(said["arguments"] or "{}")
        if not isinstance(arguments, dict):
            raise StepFailed(BAD, f"it called {tool.name} with what is no object: {values.short(said['arguments'])}")
        if problem := await _misfit(tool.parameters, arguments, expressions):
            raise StepFailed(BAD, f"it called {tool.name} with what does not fit: {problem}")
        calls.append({"id": said["id"], "name": tool.name, "arguments": values.storable(arguments)})
    return calls


async def output_of(llm: Llm, text: str, expressions: Expressions) -> dict[str, Any]:
    """Return what an answer without calls gives. StepFailed when it is empty, or does not fit the schema."""
    if not text.strip():
        raise StepFailed(BAD, "it is empty")
    if llm.output_schema is None:
        return {"text": text}
    value = _json(_unfenced(text))
    if value is None:
        raise StepFailed(BAD, f"it is no JSON: {values.short(text)}")
    if problem := await _misfit(llm.output_schema, value, expressions):
        raise StepFailed(BAD, f"it does not fit the schema ({problem}): {values.short(text)}")
    return {"text": text, "value": values.storable(value)}


async def _misfit(schema: Mapping[str, Any], value: Any, expressions: Expressions) -> str:
    """Return in what a value does not fit a schema; empty when it fits."""
    found = await expressions.misfits(schema, value)
    return f"{found[0].place.removeprefix('.') or 'it'}: {found[0].what}" if found else ""


def _unfenced(text: str) -> str:
    """Return a text without the fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare:
        return bare.partition("\n")[2].removesuffix(_FENCE)
    return bare


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
