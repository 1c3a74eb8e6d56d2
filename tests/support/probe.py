"""A service with one method of each kind, made from existing messages, to see what the server does around handlers."""

from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from stateroom.api.v1 import policy_pb2
from stateroom.session.v1 import session_pb2, session_service_pb2

NAME = "stateroom.probe.v1.ProbeService"
KINDS = {"Single": (False, False), "Stream": (False, True), "Collect": (True, False), "Converse": (True, True)}

Request = session_service_pb2.GetSessionRequest
Response = session_pb2.Session


def service() -> ServiceDescriptor:
    """Return the descriptor; every method needs `sessions.read` and the role VIEWER."""
    pool = descriptor_pool.Default()
    try:
        return pool.FindServiceByName(NAME)
    except KeyError:
        pool.AddSerializedFile(_file().SerializeToString())
        return pool.FindServiceByName(NAME)


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="stateroom/probe/v1/probe_service.proto",
        package="stateroom.probe.v1",
        syntax="proto3",
        dependency=["stateroom/session/v1/session_service.proto", "stateroom/session/v1/session.proto"],
    )
    probe = file.service.add(name="ProbeService")
    for name, (client_streaming, server_streaming) in KINDS.items():
        method = probe.method.add(
            name=name,
            input_type=".stateroom.session.v1.GetSessionRequest",
            output_type=".stateroom.session.v1.Session",
            client_streaming=client_streaming,
            server_streaming=server_streaming,
        )
        policy = method.options.Extensions[policy_pb2.policy]
        policy.user.permission = "sessions.read"
        policy.user.role = policy_pb2.VIEWER
        policy.rate_class = policy_pb2.READ
    return file


class Stub:
    """Calls the probe. Unary methods take a request; streams take one or an iterator of them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        forms = {
            "Single": channel.unary_unary,
            "Stream": channel.unary_stream,
            "Collect": channel.stream_unary,
            "Converse": channel.stream_stream,
        }
        self._methods: dict[str, Any] = {
            name: form(f"/{NAME}/{name}", Request.SerializeToString, Response.FromString)
            for name, form in forms.items()
        }

    async def call(self, name: str, *requests: Request) -> list[Response]:
        """Call a method with a credential and return everything it answers."""
        streams_in, streams_out = KINDS[name]
        call = self.open(name, iter(requests) if streams_in else requests[0])
        return [response async for response in call] if streams_out else [await call]

    def open(self, name: str, requests: object, authorization: str = "Bearer srk_open") -> Any:  # four kinds of calls
        """Begin a call."""
        return self._methods[name](requests, metadata=(("authorization", authorization),))
