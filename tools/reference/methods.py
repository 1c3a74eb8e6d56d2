"""The methods of the contracts that people may call."""

from dataclasses import dataclass

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from stateroom.api.v1 import policy_pb2

_CONTENT = "google.api.HttpBody"
_VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its descriptor, and which of our services serves it."""

    descriptor: MethodDescriptor

    @property
    def name(self) -> str:
        """Its service's and its own name, `WorkspaceService.GetWorkspace`."""
        return f"{self.descriptor.containing_service.name}.{self.descriptor.name}"

    @property
    def service(self) -> str:
        """The name of the service that serves it: `stateroom.<service>.v1`."""
        return str(self.descriptor.full_name.split(".")[1])

    @property
    def policy(self) -> policy_pb2.Policy:
        """Who may call it."""
        policy: policy_pb2.Policy = self.descriptor.GetOptions().Extensions[policy_pb2.policy]
        return policy

    @property
    def route(self) -> dict[str, str]:
        """HTTP method, path template and body of the first of its REST forms, as google.api.http has them."""
        rule = self.descriptor.GetOptions().Extensions[annotations_pb2.http]
        verb = next(verb for verb in _VERBS if getattr(rule, verb))
        return {"method": verb, "uri": getattr(rule, verb)} | ({"body": rule.body} if rule.body else {})

    @property
    def sends_content(self) -> bool:
        """Whether the body of its REST form is content of any type."""
        field = self.descriptor.input_type.fields_by_name.get(self.route.get("body", ""))
        return field is not None and field.message_type is not None and field.message_type.full_name == _CONTENT

    @property
    def returns_content(self) -> bool:
        """Whether it answers with content of any type."""
        return bool(self.descriptor.output_type.full_name == _CONTENT)

    @property
    def is_bidirectional(self) -> bool:
        """Whether it is a WebSocket in REST."""
        return bool(self.descriptor.client_streaming) and not self.sends_content


def methods(descriptor_set: bytes) -> list[Method]:
    """Return the methods for people, in the order of the contracts."""
    pool, found = DescriptorPool(), []
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file:
        pool.Add(file)
        for service in file.service if file.package.startswith("stateroom.") else ():
            descriptor = pool.FindServiceByName(f"{file.package}.{service.name}")
            found += [Method(method) for method in descriptor.methods]
    return [method for method in found if method.policy.WhichOneof("access") in {"user", "anonymous"}]
