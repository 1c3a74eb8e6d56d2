"""Templates as messages of the contract."""

from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import template_pb2 as pb
from stateroom.execution.v1 import template_service_pb2 as service_pb

from chassis import etag, ids, messages
from services.execution import structs
from services.execution.agents.convert import agent_to_proto
from services.execution.agents.domain import Agent
from services.execution.definitions.convert import definition_to_proto
from services.execution.definitions.domain import Workflow
from services.execution.templates.domain import NOBODY, Numbers, Template, Type
from services.execution.templates.queries import Filter

_OF_AGENT = ("step", "parameters", "capabilities", "max_execution_duration", "max_memory", "max_concurrent_executions")
_NONE = Numbers()


def template_to_proto(template: Template, numbers: Numbers = _NONE) -> pb.Template:
    """Return a template's public form."""
    message = pb.Template(
        template_id=str(template.template_id),
        name=template.name,
        description=template.description,
        tags=template.tags,
        type=pb.Template.Type.Value(template.type.name),
        category=template.category,
        workflow_id=str(template.workflow_id or ""),
        agent_id=str(template.agent_id or ""),
        is_official=template.is_official,
        is_public=template.is_public,
        usage_count=numbers.usage_count,
        rating_average=numbers.rating_average,
        rating_count=numbers.rating_count,
        user_id=str(template.user_id) if template.user_id != NOBODY else "",
        deleted_by=str(template.deleted_by or ""),
        etag=etag.of(template),
    )
    ParseDict(dict(template.data), message.data)
    if template.parameters:
        ParseDict(dict(template.parameters), message.parameters)
    messages.set_times(message, template, "create_time", "update_time", "delete_time")
    return message


def template_from_proto(
    request: service_pb.CreateTemplateRequest,
    source: Workflow | Agent | None,
    account_id: UUID,
    user_id: UUID,
    now: datetime,
) -> Template:
    """Return a new template as its creator wants it, made of a source if there is one; without its replacements."""
    message = request.template
    data = structs.read(message.data, "template.data") if source is None else _data_of(source)
    names = dict.fromkeys(request.replacements.values())
    parameters: dict[str, Any] = structs.read(message.parameters, "template.parameters")
    if names and not parameters:
        known = {name: {"type": "string"} for name in names}
        parameters = {"type": "object", "properties": known, "required": list(names)}
    kind = message.type if source is None else pb.Template.Type.Value(type(source).__name__.upper())
    return Template(
        template_id=ids.new(),
        account_id=account_id,
        user_id=user_id,
        name=message.name,
        description=message.description,
        tags=tuple(message.tags),
        type=Type[pb.Template.Type.Name(kind)],
        category=message.category,
        data=data,
        parameters=parameters,
        is_public=message.is_public,
        version=1,
        create_time=now,
        update_time=now,
        workflow_id=source.workflow_id if isinstance(source, Workflow) else None,
        agent_id=source.agent_id if isinstance(source, Agent) else None,
    )


def filter_from_proto(
    request: service_pb.ListTemplatesRequest | service_pb.ListPopularTemplatesRequest, *, show_deleted: bool = False
) -> Filter:
    """Return which templates somebody wants listed."""
    return Filter(
        type=messages.member(Type, pb.Template.Type, request.type),
        category=request.category,
        tags=tuple(request.tags),
        words=request.words,
        is_official=request.is_official,
        is_public=request.is_public,
        show_deleted=show_deleted,
    )


def _data_of(source: Workflow | Agent) -> dict[str, Any]:
    if isinstance(source, Workflow):
        return MessageToDict(definition_to_proto(source.definition), preserving_proto_field_name=True)
    said = MessageToDict(agent_to_proto(source), preserving_proto_field_name=True)
    return {name: said[name] for name in _OF_AGENT if name in said}
