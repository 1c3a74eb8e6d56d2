"""Policies of methods, read from the contracts."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from stateroom.api.v1 import policy_pb2


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: its full name as in `/stateroom.workspace.v1.WorkspaceService/GetWorkspace`, and its policy."""

    full_name: str
    descriptor: MethodDescriptor
    policy: policy_pb2.Policy

    @property
    def repeatable(self) -> bool:
        """Whether the request carries the id that makes repeating it harmless; a list's `request_id` is a filter."""
        return self.policy.rate_class != policy_pb2.READ and "request_id" in self.descriptor.input_type.fields_by_name


def methods(service: ServiceDescriptor) -> list[Method]:
    """Return the methods of a service. A method without a policy is an error of the contract: TypeError."""
    found = []
    for descriptor in service.methods:
        options = descriptor.GetOptions()
        if not options.HasExtension(policy_pb2.policy):
            msg = f"{descriptor.full_name} declares no policy"
            raise TypeError(msg)
        policy = options.Extensions[policy_pb2.policy]
        found.append(Method(f"/{service.full_name}/{descriptor.name}", descriptor, policy))
    return found
