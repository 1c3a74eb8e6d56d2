"""Executions and their steps as messages of the contract."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from google.protobuf import struct_pb2
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import execution_pb2 as pb
from stateroom.execution.v1 import execution_service_pb2 as service_pb
from stateroom.execution.v1 import workflow_pb2

from chassis import etag, ids, messages
from chassis.errors import InvalidField, Violation
from services.execution import structs
from services.execution.definitions.convert import definition_from_proto, definition_to_proto
from services.execution.executions.domain import Execution, ExecutionSpec, Failure, State, StepExecution
from services.execution.executions.queries import Filter

INPUT = 256 * 1024
"""Bytes of an execution's input as JSON."""
TIMEOUT = timedelta(days=1)
"""How long an execution may take unless it says otherwise."""


def execution_to_proto(execution: Execution) -> pb.Execution:
    """Return an execution's public form."""
    message = execution_to_change(execution)
    if execution.definition is not None:
        message.definition.CopyFrom(definition_to_proto(execution.definition))
    ParseDict(execution.input, message.input)
    if execution.state is State.COMPLETED:
        ParseDict(execution.output, message.output)
    return message


def execution_to_change(execution: Execution) -> pb.Execution:
    """Return what change events have of an execution: its public form without what is sensitive."""
    message = pb.Execution(
        execution_id=str(execution.execution_id),
        name=execution.name,
        workflow_id=str(execution.workflow_id or ""),
        agent_id=str(execution.agent_id or ""),
        state=pb.Execution.State.Value(execution.state.name),
        steps_completed=execution.steps_completed,
        steps_failed=execution.steps_failed,
        user_id=str(execution.user_id),
        trigger_id=str(execution.trigger_id or ""),
        trigger_depth=execution.trigger_depth,
        etag=etag.of(execution),
        parent_execution_id=str(execution.parent_execution_id or ""),
        parent_path=execution.parent_path or "",
        parent_workflow_id=str(execution.parent_workflow_id or ""),
        priority=execution.priority,
        origin_execution_id=str(execution.origin_execution_id or ""),
        origin_path=execution.origin_path or "",
        deployment_id=str(execution.deployment_id or ""),
    )
    message.timeout.FromTimedelta(execution.timeout)
    _set_failure(message, execution.failure)
    messages.set_times(message, execution, "create_time", "update_time", "start_time", "end_time")
    return message


def step_to_proto(step: StepExecution) -> pb.StepExecution:
    """Return the public form of a step of an execution."""
    message = pb.StepExecution(
        path=step.path,
        key=step.key,
        type=workflow_pb2.Step.Type.Value(step.type.name),
        state=pb.StepExecution.State.Value(step.state.name),
        attempt=step.attempt,
        sequence=step.sequence,
    )
    if step.output is not None:
        ParseDict(step.output, message.output)
    _set_failure(message, step.failure)
    messages.set_times(message, step, "start_time", "end_time", "wake_time")
    return message


def spec_from_proto(message: pb.Execution) -> ExecutionSpec:
    """Return what somebody wants to run. InvalidField when its input cannot be kept."""
    return ExecutionSpec(
        execution_id=ids.new(),
        name=message.name,
        workflow_id=id_from_proto(message.workflow_id),
        agent_id=id_from_proto(message.agent_id),
        definition=definition_from_proto(message.definition) if message.HasField("definition") else None,
        input=input_from_proto(message.input, "execution.input"),
        timeout=message.timeout.ToTimedelta() if message.HasField("timeout") else TIMEOUT,
        priority=message.priority,
    )


def filter_from_proto(request: service_pb.ListExecutionsRequest) -> Filter:
    """Return which executions somebody wants to see."""
    return Filter(
        workflow_id=id_from_proto(request.workflow_id),
        agent_id=id_from_proto(request.agent_id),
        deployment_id=id_from_proto(request.deployment_id),
        parent_workflow_id=id_from_proto(request.parent_workflow_id),
        parent_execution_id=id_from_proto(request.parent_execution_id),
        user_id=id_from_proto(request.user_id),
        states=frozenset(State[pb.Execution.State.Name(each)] for each in request.states),
    )


def id_from_proto(text: str) -> UUID | None:
    """Return the workflow, agent or execution that is named; None for none."""
    return ids.parse(text) if text else None


def _set_failure(message: pb.Execution | pb.StepExecution, failure: Failure | None) -> None:
    if failure is not None:
        fields = {"reason": failure.reason, "message": failure.message, "path": failure.path}
        message.failure.CopyFrom(pb.Failure(**fields))


def input_from_proto(message: struct_pb2.Struct, field: str) -> dict[str, Any]:
    """Return what an execution or a step is given. InvalidField when it cannot be kept."""
    value: dict[str, Any] = value_from_proto(struct_pb2.Value(struct_value=message), field)
    return value


def value_from_proto(message: struct_pb2.Value, field: str) -> Any:
    """Return JSON that somebody gives. InvalidField when it cannot be kept."""
    value = structs.read_value(message, field)
    if len(json.dumps(value)) > INPUT:
        raise InvalidField(Violation(field, f"is larger than {INPUT // 1024} KiB"))
    return value
