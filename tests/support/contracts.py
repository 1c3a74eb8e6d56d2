"""The contracts as they were compiled, for tests that hold them against our rules."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, field_behavior_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from stateroom.api.v1 import policy_pb2

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method with what its options declare."""

    descriptor: MethodDescriptor
    policy: policy_pb2.Policy
    comment: str

    @property
    def name(self) -> str:
        """Its name without the service's."""
        return str(self.descriptor.name)

    @property
    def access(self) -> str | None:
        """Who may call: `user`, `internal`, `anonymous`, `token`, or None."""
        return self.policy.WhichOneof("access")

    @property
    def is_public(self) -> bool:
        """Whether REST callers reach it."""
        return self.access in {"user", "anonymous"}

    @property
    def is_list(self) -> bool:
        """Whether it answers with pages of things."""
        return self.name.startswith(("List", "Search")) and not self.descriptor.server_streaming

    @property
    def is_mutation(self) -> bool:
        """Whether it changes a resource for a person."""
        return self.access == "user" and self.policy.rate_class in {policy_pb2.WRITE, policy_pb2.INPUT}

    @property
    def http(self) -> http_pb2.HttpRule:
        """Its REST form, empty without one."""
        return self.descriptor.GetOptions().Extensions[annotations_pb2.http]

    @property
    def route(self) -> tuple[str, str]:
        """HTTP method and path template."""
        return next((verb, getattr(self.http, verb)) for verb in VERBS if getattr(self.http, verb))


def files() -> list[descriptor_pb2.FileDescriptorProto]:
    """Return our own contract files, with comments."""
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(
        (ROOT / "gen" / "python" / "stateroom" / "descriptors.binpb").read_bytes()
    )
    return [file for file in descriptors.file if file.package.startswith("stateroom.")]


def rpcs() -> list[Rpc]:
    """Return all methods."""
    return list(_rpcs())


def _rpcs() -> Iterator[Rpc]:
    for file in files():
        comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
        for service_index, service in enumerate(_loaded(file).services_by_name.values()):
            for method_index, method in enumerate(service.methods):
                comment = comments.get((6, service_index, 2, method_index), "")  # the paths of descriptor.proto
                yield Rpc(method, method.GetOptions().Extensions[policy_pb2.policy], comment)


def _loaded(file: descriptor_pb2.FileDescriptorProto) -> FileDescriptor:
    importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
    return descriptor_pool.Default().FindFileByName(file.name)


def messages() -> list[Descriptor]:
    """Return all messages, nested ones too, without the entries of maps."""
    found: list[Descriptor] = []
    todo = [message for file in files() for message in _loaded(file).message_types_by_name.values()]
    while todo:
        message = todo.pop()
        todo.extend(message.nested_types)
        if not message.GetOptions().map_entry:
            found.append(message)
    return found


def inputs_of(message: Descriptor) -> Iterator[FieldDescriptor]:
    """Yield the fields that a client fills in a request, those of messages inside it too."""
    for field in message.fields:
        if field_behavior_pb2.OUTPUT_ONLY in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]:
            continue
        yield field
        inner = field.message_type
        if inner is not None and inner.full_name.startswith("stateroom.") and not inner.GetOptions().map_entry:
            yield from inputs_of(inner)
