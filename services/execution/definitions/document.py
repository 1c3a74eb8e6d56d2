"""A definition as JSON, as it is stored: what is not said has its default."""

from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from services.execution.definitions.domain import Definition, Llm, OnError, Step, Tool, Type

_DEFAULTS = {
    each.name: each.default_factory() if each.default_factory is not MISSING else each.default for each in fields(Step)
}


def to_json(definition: Definition) -> dict[str, Any]:
    """Return what is stored."""
    schema = {} if definition.input_schema is None else {"input_schema": definition.input_schema}
    return {"steps": [_step_to_json(step) for step in definition.steps]} | schema


def from_json(document: dict[str, Any]) -> Definition:
    """Return what was stored."""
    return Definition(tuple(_step_from_json(each) for each in document["steps"]), document.get("input_schema"))


def _step_to_json(step: Step) -> dict[str, Any]:
    said = {name: getattr(step, name) for name, default in _DEFAULTS.items() if getattr(step, name) != default}
    if step.llm is not None:
        tools = [{**_shallow(tool), "step": _step_to_json(tool.step)} for tool in step.llm.tools]
        said["llm"] = _shallow(step.llm) | {"tools": tools}
    if step.time is not None:
        said["time"] = step.time.isoformat()
    if "on_error" in said:
        said["on_error"] = step.on_error.name
    return said | {"type": step.type.name}


def _step_from_json(document: dict[str, Any]) -> Step:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    values["type"] = Type[values["type"]]
    if "on_error" in values:
        values["on_error"] = OnError[values["on_error"]]
    if "time" in values:
        values["time"] = datetime.fromisoformat(values["time"])
    if "llm" in values:
        values["llm"] = _llm_from_json(values["llm"])
    return Step(**values)


def _llm_from_json(document: dict[str, Any]) -> Llm:
    tools = tuple(Tool(**each | {"step": _step_from_json(each["step"])}) for each in document["tools"])
    return Llm(**document | {"tools": tools})


def _shallow(value: Llm | Tool) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}
