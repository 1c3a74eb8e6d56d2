"""Workflows as messages of the contract."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.execution.v1 import workflow_pb2 as pb

from chassis import messages
from services.execution.definitions import configs
from services.execution.definitions.domain import Definition, OnError, Step, Type, Workflow
from services.execution.versions import convert
from services.execution.versions.domain import State


def workflow_to_proto(workflow: Workflow) -> pb.Workflow:
    """Return the public form of a version."""
    message = pb.Workflow(
        definition=definition_to_proto(workflow.definition),
        max_concurrent_executions=workflow.max_concurrent_executions,
    )
    convert.describe(message, workflow)
    return message


def workflow_from_proto(message: pb.Workflow, account_id: UUID, user_id: UUID, now: datetime) -> Workflow:
    """Return a new workflow as its creator wants it."""
    return Workflow(**convert.first(Workflow.ID, account_id, user_id, now), **_chosen(message))


def values_from_proto(message: pb.Workflow, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names as a workflow holds them."""
    held = _chosen(message)
    return {name: held[name] for name in names}


def state_from_proto(state: pb.Workflow.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Workflow.State, state)


def _chosen(message: pb.Workflow) -> dict[str, Any]:
    return {
        **convert.described(message),
        "definition": definition_from_proto(message.definition),
        "max_concurrent_executions": message.max_concurrent_executions,
    }


def definition_to_proto(definition: Definition) -> pb.Definition:
    """Return the public form of what a workflow does."""
    message = pb.Definition(steps=map(step_to_proto, definition.steps))
    if definition.input_schema is not None:
        ParseDict(dict(definition.input_schema), message.input_schema)
    return message


def definition_from_proto(message: pb.Definition) -> Definition:
    """Return what somebody wants a workflow to do."""
    schema = MessageToDict(message.input_schema) if message.HasField("input_schema") else None
    return Definition(tuple(map(step_from_proto, message.steps)), schema)


def step_to_proto(step: Step) -> pb.Step:
    """Return the public form of a step."""
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


def step_from_proto(message: pb.Step) -> Step:
    """Return a step as somebody wants it."""
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
