"""What is made of a template: rendered, and checked as if somebody had written it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from stateroom.execution.v1 import agent_pb2, agent_service_pb2, workflow_pb2, workflow_service_pb2

from chassis.errors import Violation
from chassis.rpc import chain
from services.execution.definitions.validation import problems_of_schema
from services.execution.expressions import Expressions
from services.execution.templates.domain import Template, Type, generalized, rendered, rendered_size
from services.execution.templates.errors import InvalidTemplate, ParametersDoNotFit

SIZE = 256 * 1024
"""Bytes of data as JSON."""
MADE = 1024 * 1024
"""Characters of what a template becomes, as JSON: data may name a large value many times."""

Made = workflow_pb2.Workflow | agent_pb2.Agent | workflow_pb2.Step
"""What a template becomes."""


def with_places(template: Template, replacements: Mapping[str, str]) -> Template:
    """Return a template in which parameters stand for some parts of its texts. InvalidTemplate when it is too large."""
    placed = template
    if replacements:
        _expect_size(template)  # before, because putting places into what is large takes long
        placed = replace(template, data=generalized(template.data, replacements))
    _expect_size(placed)
    return placed


async def expect_usable(template: Template, expressions: Expressions) -> None:
    """Raise InvalidTemplate when its parameters are no JSON Schema."""
    problems = await problems_of_schema(template.parameters, expressions) if template.parameters else []
    if problems:
        place, what = problems[0]
        field = f"template.parameters{place}"
        raise InvalidTemplate(field, what)


async def message_of(template: Template, name: str, values: Mapping[str, Any], expressions: Expressions) -> Made:
    """Return the workflow, agent or step that becomes of a template with these values.

    Raises ParametersDoNotFit; InvalidTemplate, InvalidField when nothing can be made of it.
    """
    given = template.given(values)
    if found := await expressions.misfits(template.parameters, given) if template.parameters else []:
        raise ParametersDoNotFit(*(Violation(f"parameters{each.place}", each.what) for each in found))
    if rendered_size(template.data, given) > MADE:
        raise InvalidTemplate("template.data", f"is larger than {MADE // 1024} KiB with these values")
    try:
        data = rendered(dict(template.data), given)
    except KeyError as exc:
        raise InvalidTemplate("template.data", f"names a parameter {exc}, which has no value") from exc
    described = {"name": name or template.name, "description": template.description, "tags": list(template.tags)}
    try:
        return _checked(template.type, described, data)
    except ParseError as exc:
        raise InvalidTemplate("template.data", str(exc)[:500]) from exc


def _expect_size(template: Template) -> None:
    if len(json.dumps(template.data)) > SIZE:
        raise InvalidTemplate("template.data", f"is larger than {SIZE // 1024} KiB")


def _checked(type: Type, described: dict[str, Any], data: dict[str, Any]) -> Made:  # noqa: A002  # the field's own word
    if type is Type.AGENT:
        agent = ParseDict(described | data, agent_pb2.Agent())
        chain.validate(agent_service_pb2.CreateAgentRequest(agent=agent))
        return agent
    steps = [data] if type is Type.STEP else data.get("steps", [])
    workflow = ParseDict(described | {"definition": {"steps": steps}}, workflow_pb2.Workflow())
    chain.validate(workflow_service_pb2.CreateWorkflowRequest(workflow=workflow))
    return workflow.definition.steps[0] if type is Type.STEP else workflow
