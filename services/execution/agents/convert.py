"""Agents as messages of the contract."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import agent_pb2 as pb
from stateroom.execution.v1 import workflow_pb2

from chassis import messages
from services.execution import structs
from services.execution.agents.domain import Agent, bare
from services.execution.definitions.convert import step_from_proto, step_to_proto
from services.execution.versions import convert
from services.execution.versions.domain import State

_TIME = timedelta(seconds=300)
_MEMORY = 512  # MiB


def agent_to_proto(agent: Agent) -> pb.Agent:
    """Return the public form of a version."""
    (step,) = agent.definition.steps
    message = pb.Agent(
        step=step_to_proto(step),
        type=workflow_pb2.Step.Type.Value(step.type.name),
        capabilities=agent.capabilities,
        max_memory=agent.max_memory,
        max_concurrent_executions=agent.max_concurrent_executions,
    )
    if agent.parameters:
        ParseDict(dict(agent.parameters), message.parameters)
    message.max_execution_duration.FromTimedelta(agent.max_execution_duration)
    convert.describe(message, agent)
    return message


def agent_from_proto(message: pb.Agent, account_id: UUID, user_id: UUID, now: datetime) -> Agent:
    """Return a new agent as its creator wants it."""
    return Agent(**convert.first(Agent.ID, account_id, user_id, now), **_chosen(message))


def values_from_proto(message: pb.Agent, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names as an agent holds them."""
    held = _chosen(message)
    return {name: held[name] for name in names}


def state_from_proto(state: pb.Agent.State.ValueType) -> State | None:
    """Return the state a filter names; None for no filter."""
    return messages.member(State, pb.Agent.State, state)


def _chosen(message: pb.Agent) -> dict[str, Any]:
    limits = {
        "max_execution_duration": message.max_execution_duration.ToTimedelta() or _TIME,
        "max_memory": message.max_memory or _MEMORY,
        "max_concurrent_executions": message.max_concurrent_executions or 1,
    }
    said = {
        "parameters": structs.read(message.parameters, "agent.parameters"),
        "capabilities": tuple(message.capabilities),
    }
    step = {"step": bare(step_from_proto(message.step))} if message.HasField("step") else {}
    return {**convert.described(message), **said, **limits, **step}
