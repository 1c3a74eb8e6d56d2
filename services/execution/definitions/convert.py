"""Workflows as messages of the contract."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import workflow_pb2 as pb

from chassis import etag, ids, messages
from services.execution.definitions import configs
from services.execution.definitions.domain import Definition, OnError, State, Step, Type, Workflow


def workflow_to_proto(workflow: Workflow) -> pb.Workflow:
    """Return the public form of a version."""
    message = pb.Workflow(
        workflow_id=str(workflow.workflow_id),
        parent_workflow_id=str(workflow.parent_workflow_id),
        version_number=workflow.version_number,
        name=workflow.name,
        description=workflow.description,
        tags=workflow.tags,
        definition=definition_to_proto(workflow.definition),
        state=pb.Workflow.State.Value(workflow.state.name),
        user_id=str(workflow.user_id),
        deleted_by=str(workflow.deleted_by or ""),
        etag=etag.of(workflow),
        max_concurrent_executions=workflow.max_concurrent_executions,
    )
    messages.set_times(message, workflow, "create_time", "update_time", "delete_time")
    return message


def workflow_from_proto(message: pb.Workflow, account_id: UUID, user_id: UUID, now: datetime) -> Workflow:
    """Return a new workflow as its creator wants it."""
    workflow_id = ids.new()
    return Workflow(
        workflow_id=workflow_id,
        account_id=account_id,
        parent_workflow_id=workflow_id,
        version_number=1,
        user_id=user_id,
        name=message.name,
        description=message.description,
        tags=tuple(message.tags),
        definition=definition_from_proto(message.definition),
        state=State.DRAFT,
        version=1,
        create_time=now,
        update_time=now,
        max_concurrent_executions=message.max_concurrent_executions,
    )


def values_from_proto(message: pb.Workflow, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names as a workflow holds them."""
    held = {
        "name": message.name,
        "description": message.description,
        "tags": tuple(message.tags),
        "definition": definition_from_proto(message.definition),
        "max_concurrent_executions": message.max_concurrent_executions,
    }
    return {name: held[name] for name in names}


def state_from_proto(state: pb.Workflow.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Workflow.State, state)


def definition_to_proto(definition: Definition) -> pb.Definition:
    """Return the public form of what a workflow does."""
    message = pb.Definition(steps=map(_step_to_proto, definition.steps))
    if definition.input_schema is not None:
        ParseDict(dict(definition.input_schema), message.input_schema)
    return message


def definition_from_proto(message: pb.Definition) -> Definition:
    """Return what somebody wants a workflow to do."""
    schema = MessageToDict(message.input_schema) if message.HasField("input_schema") else None
    return Definition(tuple(map(_step_from_proto, message.steps)), schema)


def _step_to_proto(step: Step) -> pb.Step:
    message = pb.Step(
        key=step.key,
        name=step.name,
        depends_on=step.depends_on,
        inputs=step.inputs,
        retry_count=step.retry_count,
        on_error=pb.Step.OnError.Value(step.on_error.name),
    )
    if step.retry_count:
        message.retry_delay.FromNanoseconds(round(step.retry_delay * 1e9))
    if step.timeout is not None:
        message.timeout.FromNanoseconds(round(step.timeout * 1e9))
    getattr(message, step.type.name.lower()).CopyFrom(configs.to_proto(step))
    return message


def _step_from_proto(message: pb.Step) -> Step:
    kind = str(message.WhichOneof("config"))
    return Step(
        key=message.key,
        type=Type[kind.upper()],
        name=message.name,
        depends_on=tuple(message.depends_on),
        inputs=dict(message.inputs),
        retry_count=message.retry_count,
        retry_delay=configs.seconds(message, "retry_delay") or 1.0,
        timeout=configs.seconds(message, "timeout"),
        on_error=messages.member(OnError, pb.Step.OnError, message.on_error) or OnError.FAIL,
        **configs.from_proto(kind, getattr(message, kind)),
    )
