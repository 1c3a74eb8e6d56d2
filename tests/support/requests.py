"""Requests made from the contracts: one that is right, and many that are wrong in one field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf import message_factory, struct_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from stateroom.api.v1 import policy_pb2
from stateroom.execution.v1 import workflow_pb2

from chassis import ids
from tests.support.contracts import Rpc, rpcs
from tests.support.product import SERVICES

_DEFINITION = workflow_pb2.Definition(steps=[workflow_pb2.Step(key="a", data=workflow_pb2.DataConfig())])

NEEDED = {
    "etag": "*",
    "workspace.name": "a",
    "api_key.name": "a",
    "user.handle": "a",
    "query": "e",
    "idle_policy.off": True,
    "columns": 80,
    "rows": 24,
    "data": b"a",
    "value": b"abcdef",
    "command": ["true"],
    "text": "a",
    "option_id": "a",
    "base_revision": 1,
    "setting_id": "a",
    "preview.command": ["true"],
    "preview.port": 8000,
    "chat.is_private": True,
    "team.handle": "a",
    "member.role": policy_pb2.VIEWER,
    "action.configure_tooling.directory": "nowhere",
    "deployment.name": "a",
    "workflow.name": "a",
    "workflow.definition": _DEFINITION,
    "agent.name": "a",
    "template.name": "a",
    "template.data": ParseDict({"steps": [{"key": "a", "data": {}}]}, struct_pb2.Struct()),
    "template.type": 2,
    "rating": 1,
    "agent.step": _DEFINITION.steps[0],
    "execution.definition": _DEFINITION,
    "trigger.name": "a",
    "trigger.schedule.cron": "0 0 29 2 *",
    "cron": "0 0 29 2 *",
}
"""Values of fields that a request cannot be without, beside ids."""

_ALWAYS = {
    "session.workspace_id",
    "preview.workspace_id",
    "context.workspace_id",
    "trigger.parent_workflow_id",
    "deployment.workflow_id",
    "member.user_id",
}
"""Ids that a new resource has, though changing one does not need them."""

_INSTEAD = {
    "execution.workflow_id",
    "execution.agent_id",
    "template.workflow_id",
    "template.agent_id",
    "deployment.agent_id",
}
"""Ids in place of which an example says something else."""

_WHOLE = {"agent.step"}
"""Messages that an example has as one value."""

_WITHIN = {"request_id", "actor_id", "option_id", "setting_id"}
"""Fields that are called ids and name nothing that an account owns by itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a request that a client fills in, by its path."""

    path: str
    field: FieldDescriptor

    @property
    def rules(self) -> validate_pb2.FieldRules:
        """The rules of the contract for it."""
        return self.field.GetOptions().Extensions[validate_pb2.field]

    @property
    def narrows(self) -> bool:
        """Whether a request may leave it out, as it may leave out a filter."""
        is_optional = self.rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE
        return is_optional and ("." not in self.path or self.path in _INSTEAD)

    @property
    def is_id(self) -> bool:
        """Whether it names a resource."""
        return bool(self.field.name.endswith("_id")) and self.field.name not in _WITHIN


def served() -> list[Rpc]:
    """Return the methods for people of every service that this repository has."""
    return [rpc for rpc in rpcs() if rpc.is_public and service_of(rpc) in SERVICES]


def service_of(rpc: Rpc) -> str:
    """Return the service that serves a method: `stateroom.<service>.v1.…`."""
    return str(rpc.descriptor.full_name.split(".")[1])


def places(message: Descriptor, prefix: str = "") -> Iterator[Place]:
    """Yield the fields that a client fills in, those of messages inside too."""
    for field in message.fields:
        if field_behavior_pb2.OUTPUT_ONLY in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]:
            continue
        yield Place(prefix + field.name, field)
        inner = field.message_type
        if prefix + field.name in _WHOLE:
            continue
        if inner is not None and inner.full_name.startswith("stateroom.") and not field.is_repeated:
            yield from places(inner, f"{prefix}{field.name}.")


def example(rpc: Rpc, known: Mapping[str, str]) -> Message:
    """Return a request that is right; ids are those known, or new ones, and stand only where they must."""
    request = message_factory.GetMessageClass(rpc.descriptor.input_type)()
    for place in places(rpc.descriptor.input_type):
        required = place.is_id and place.rules.ignore != validate_pb2.IGNORE_IF_ZERO_VALUE
        if place.path in NEEDED:
            put(request, place.path, NEEDED[place.path])
        elif shortest := place.rules.string.min_len:
            put(request, place.path, "a" * shortest)
        elif required or place.path in _ALWAYS:
            put(request, place.path, known.get(place.field.name, str(ids.new())))
    return request


def put(request: Message, path: str, value: Any) -> None:
    """Set a field of a request by its path; a list or map is replaced, a message is cleared by None."""
    *outer, name = path.split(".")
    message: Any = request
    for part in outer:
        message = getattr(message, part)
    if value is None or isinstance(value, (list, dict)):
        message.ClearField(name)
    if isinstance(value, list):
        getattr(message, name).extend(value)
    elif isinstance(value, dict):
        getattr(message, name).update(value)
    elif isinstance(value, Message):
        getattr(message, name).CopyFrom(value)
    elif value is not None:
        setattr(message, name, value)


def call(channel: grpc.aio.Channel, rpc: Rpc, request: Message | bytes, metadata: tuple[tuple[str, str], ...]) -> Any:
    """Make a call of any kind; a stream of requests has one."""
    client = "stream" if rpc.descriptor.client_streaming else "unary"
    server = "stream" if rpc.descriptor.server_streaming else "unary"
    method = getattr(channel, f"{client}_{server}")(
        f"/{rpc.descriptor.containing_service.full_name}/{rpc.name}",
        request_serializer=lambda sent: sent if isinstance(sent, bytes) else sent.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(rpc.descriptor.output_type).FromString,
    )
    sent = iter([request]) if rpc.descriptor.client_streaming else request
    return method(sent, metadata=metadata, timeout=20, wait_for_ready=True)
