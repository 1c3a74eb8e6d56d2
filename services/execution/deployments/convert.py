"""Deployments and invocations as messages of the contract."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import deployment_pb2 as pb
from stateroom.execution.v1 import deployment_service_pb2 as service_pb
from stateroom.execution.v1 import execution_pb2, invocation_service_pb2

from chassis import etag, ids, messages
from services.execution.deployments.domain import Deployment, Environment, Numbers, Rollout, State
from services.execution.deployments.queries import Filter
from services.execution.executions import convert
from services.execution.executions.convert import TIMEOUT, id_from_proto
from services.execution.executions.domain import Execution
from services.execution.executions.domain import State as ExecutionState

_SAME = ("name", "description", "max_concurrent_executions", "key_prefix", "rollout_number", "health_reason")
_IDS = (
    "deployment_id",
    "workflow_id",
    "parent_workflow_id",
    "agent_id",
    "parent_agent_id",
    "user_id",
    "deleted_by",
)
_TIMES = ("deploy_time", "check_time", "create_time", "update_time", "delete_time")


def deployment_to_proto(deployment: Deployment) -> pb.Deployment:
    """Return the public form of a deployment, without what its executions say."""
    message = pb.Deployment(
        environment=pb.Deployment.Environment.Value(deployment.environment.name),
        state=pb.Deployment.State.Value(deployment.state.name),
        health=pb.Deployment.Health.Value(deployment.health.name),
        endpoint_path=f"/v1/deployments/{deployment.deployment_id}:invoke",
        etag=etag.of(deployment),
    )
    for name in _SAME:
        setattr(message, name, getattr(deployment, name))
    for name in _IDS:
        setattr(message, name, str(getattr(deployment, name) or ""))
    message.timeout.FromTimedelta(deployment.timeout)
    messages.set_times(message, deployment, *_TIMES)
    return message


def deployments_to_proto(deployments: Sequence[Deployment], numbers: Mapping[UUID, Numbers]) -> list[pb.Deployment]:
    """Return deployments with what their executions say."""
    return [_with_numbers(each, numbers.get(each.deployment_id, Numbers())) for each in deployments]


def _with_numbers(deployment: Deployment, numbers: Numbers) -> pb.Deployment:
    message = deployment_to_proto(deployment)
    message.numbers.request_count = numbers.request_count
    message.numbers.error_count = numbers.error_count
    message.numbers.error_rate = numbers.error_rate
    if numbers.mean_duration is not None:
        message.numbers.mean_duration.FromTimedelta(numbers.mean_duration)
    return message


def deployment_from_proto(message: pb.Deployment, account_id: UUID, user_id: UUID, now: datetime) -> Deployment:
    """Return a new deployment as its maker wants it."""
    return Deployment(
        deployment_id=ids.new(),
        account_id=account_id,
        workflow_id=id_from_proto(message.workflow_id),
        agent_id=id_from_proto(message.agent_id),
        parent_workflow_id=None,
        parent_agent_id=None,
        user_id=user_id,
        deploy_time=now,
        create_time=now,
        update_time=now,
        **_chosen(message),
    )


def values_from_proto(message: pb.Deployment, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names as a deployment holds them, without the version in force."""
    held = _chosen(message)
    return {name: held[name] for name in names if name in held}


def filter_from_proto(request: service_pb.ListDeploymentsRequest) -> Filter:
    """Return which deployments somebody wants to see."""
    return Filter(
        parent_workflow_id=id_from_proto(request.parent_workflow_id),
        parent_agent_id=id_from_proto(request.parent_agent_id),
        user_id=id_from_proto(request.user_id),
        state=messages.member(State, pb.Deployment.State, request.state),
        environment=messages.member(Environment, pb.Deployment.Environment, request.environment),
        show_deleted=request.show_deleted,
    )


def rollout_to_proto(rollout: Rollout) -> pb.Rollout:
    """Return the public form of a rollout."""
    message = pb.Rollout(
        number=rollout.number,
        workflow_id=str(rollout.workflow_id or ""),
        agent_id=str(rollout.agent_id or ""),
        rolled_back_to=rollout.rolled_back_to,
        previous_number=rollout.previous_number,
        user_id=str(rollout.user_id),
    )
    messages.set_times(message, rollout, "deploy_time")
    return message


def invocation_to_proto(execution: Execution) -> invocation_service_pb2.Invocation:
    """Return what whoever invoked a deployment sees of its execution."""
    message = invocation_service_pb2.Invocation(
        execution_id=str(execution.execution_id),
        state=execution_pb2.Execution.State.Value(execution.state.name),
    )
    if execution.state is ExecutionState.COMPLETED:
        ParseDict(execution.output, message.output)
    if execution.failure is not None:
        message.failure.CopyFrom(convert.execution_to_change(execution).failure)
    messages.set_times(message, execution, "create_time", "end_time")
    return message


def _chosen(message: pb.Deployment) -> dict[str, Any]:
    environment = messages.member(Environment, pb.Deployment.Environment, message.environment)
    return {
        "name": message.name,
        "description": message.description,
        "environment": environment or Environment.PRODUCTION,
        "max_concurrent_executions": message.max_concurrent_executions,
        "timeout": message.timeout.ToTimedelta() if message.HasField("timeout") else TIMEOUT,
    }
