"""What a step does, as the message of its type, and back."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from stateroom.execution.v1 import agent_config_pb2
from stateroom.execution.v1 import step_config_pb2 as config_pb
from stateroom.execution.v1 import workflow_pb2 as pb

from services.execution import structs
from services.execution.definitions.domain import KEY, Llm, Step, Tool, Type

DAY = 86400.0
"""Seconds that a step waits for a person or a workflow, unless it says otherwise."""
TOKENS, TURNS = 4096, 8
"""Tokens of an answer of a model, and answers, unless its step says otherwise."""
MEMORY, PROCESSES = 512, 64
"""MiB and processes of code, unless its step says otherwise."""


def to_proto(step: Step) -> Message:
    """Return the message of a step's type."""
    return _TO[step.type](step)


def from_proto(kind: str, config: Any) -> dict[str, Any]:  # the message of any type
    """Return the fields of a Step that a message of a type fills."""
    return _FROM[Type[kind.upper()]](config)


def seconds(message: Any, name: str) -> float | None:  # a message of any type
    """Return a duration as seconds, None when it is not set."""
    return getattr(message, name).ToNanoseconds() / 1e9 if message.HasField(name) else None


def duration(value: float | None) -> Duration:
    """Return seconds as a duration."""
    message = Duration()
    message.FromNanoseconds(round((value or 0) * 1e9))
    return message


def _wait(step: Step) -> pb.WaitConfig:
    if step.time is None:
        return pb.WaitConfig(duration=duration(step.duration))
    message = pb.WaitConfig()
    message.time.FromDatetime(step.time)
    return message


def _of_wait(config: pb.WaitConfig) -> dict[str, Any]:
    if config.HasField("time"):
        return {"time": config.time.ToDatetime(UTC)}
    return {"duration": seconds(config, "duration")}


def _llm(step: Step) -> config_pb.LlmConfig:
    llm = step.llm
    if llm is None:
        msg = "an LLM without what it asks"
        raise ValueError(msg)
    message = config_pb.LlmConfig(
        protocol=config_pb.LlmConfig.Protocol.Value(llm.protocol),
        base_url=llm.base_url,
        model=llm.model,
        secret_name=step.secrets.get(KEY, ""),
        system=llm.system,
        prompt=step.expression,
        max_tokens=llm.max_tokens,
        tools=map(_tool, llm.tools),
        max_turns=llm.max_turns,
        input_price=llm.input_price,
        output_price=llm.output_price,
    )
    if llm.output_schema is not None:
        ParseDict(dict(llm.output_schema), message.output_schema)
    return message


def _tool(tool: Tool) -> config_pb.Tool:
    message = config_pb.Tool(name=tool.name, description=tool.description)
    ParseDict(dict(tool.parameters), message.parameters)
    getattr(message, tool.step.type.name.lower()).CopyFrom(to_proto(tool.step))
    if tool.step.timeout is not None:
        message.timeout.CopyFrom(duration(tool.step.timeout))
    return message


def _of_llm(config: config_pb.LlmConfig) -> dict[str, Any]:
    llm = Llm(
        protocol=config_pb.LlmConfig.Protocol.Name(config.protocol),
        model=config.model,
        base_url=config.base_url,
        system=config.system,
        max_tokens=config.max_tokens or TOKENS,
        max_turns=config.max_turns or TURNS,
        output_schema=structs.read(config.output_schema, "llm.output_schema")
        if config.HasField("output_schema")
        else None,
        tools=tuple(map(_of_tool, config.tools)),
        input_price=config.input_price,
        output_price=config.output_price,
    )
    return {"expression": config.prompt, "secrets": {KEY: config.secret_name} if config.secret_name else {}, "llm": llm}


def _of_tool(message: config_pb.Tool) -> Tool:
    kind = str(message.WhichOneof("config"))
    fields = from_proto(kind, getattr(message, kind)) | {"timeout": seconds(message, "timeout")}
    step = Step(message.name, Type[kind.upper()], **fields)
    return Tool(message.name, message.description, structs.read(message.parameters, "llm.tools.parameters"), step)


_TO: Mapping[Type, Callable[[Step], Message]] = {
    Type.NOOP: lambda _: pb.NoopConfig(),
    Type.DATA: lambda step: pb.DataConfig(jq=step.jq),
    Type.LLM: _llm,
    Type.CONDITION: lambda step: pb.ConditionConfig(
        expression=step.expression, then=step.then, otherwise=step.otherwise
    ),
    Type.LOOP: lambda step: pb.LoopConfig(items=step.expression, steps=step.steps, concurrency=step.concurrency),
    Type.PARALLEL: lambda step: pb.ParallelConfig(steps=step.steps),
    Type.WAIT: _wait,
    Type.APPROVAL: lambda step: pb.ApprovalConfig(message=step.message, timeout=duration(step.duration)),
    Type.WORKFLOW: lambda step: pb.WorkflowConfig(workflow_id=step.workflow_id, timeout=duration(step.duration)),
    Type.CODE: lambda step: config_pb.CodeConfig(
        workspace_id=step.workspace_id,
        language=config_pb.CodeConfig.Language.Value(step.language),
        source=step.source,
        max_memory=step.max_memory,
        max_processes=step.max_processes,
        secrets=step.secrets,
    ),
    Type.API: lambda step: config_pb.ApiConfig(
        url=step.expression,
        method=config_pb.ApiConfig.Method.Value(step.method),
        headers=step.headers,
        secret_headers=[
            config_pb.SecretHeader(name=name, secret_name=secret, prefix=step.prefixes.get(name, ""))
            for name, secret in step.secrets.items()
        ],
    ),
    Type.AGENT: lambda step: agent_config_pb2.AgentConfig(agent_id=step.agent_id),
}
_FROM: Mapping[Type, Callable[[Any], dict[str, Any]]] = {
    Type.NOOP: lambda _: {},
    Type.DATA: lambda config: {"jq": config.jq},
    Type.LLM: _of_llm,
    Type.CONDITION: lambda config: {
        "expression": config.expression,
        "then": tuple(config.then),
        "otherwise": tuple(config.otherwise),
    },
    Type.LOOP: lambda config: {
        "expression": config.items,
        "steps": tuple(config.steps),
        "concurrency": config.concurrency or 1,
    },
    Type.PARALLEL: lambda config: {"steps": tuple(config.steps)},
    Type.WAIT: _of_wait,
    Type.APPROVAL: lambda config: {"message": config.message, "duration": seconds(config, "timeout") or DAY},
    Type.WORKFLOW: lambda config: {
        "workflow_id": config.workflow_id,
        "duration": seconds(config, "timeout") or DAY,
    },
    Type.CODE: lambda config: {
        "workspace_id": config.workspace_id,
        "language": config_pb.CodeConfig.Language.Name(config.language),
        "source": config.source,
        "max_memory": config.max_memory or MEMORY,
        "max_processes": config.max_processes or PROCESSES,
        "secrets": dict(config.secrets),
    },
    Type.API: lambda config: {
        "expression": config.url,
        "method": config_pb.ApiConfig.Method.Name(config.method or config_pb.ApiConfig.GET),
        "headers": dict(config.headers),
        "secrets": {each.name: each.secret_name for each in config.secret_headers},
        "prefixes": {each.name: each.prefix for each in config.secret_headers if each.prefix},
    },
    Type.AGENT: lambda config: {"agent_id": config.agent_id},
}
