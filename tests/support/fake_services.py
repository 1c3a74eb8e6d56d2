"""A gRPC server in the place of all services: it answers from a table, and remembers what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from stateroom.audit.v1 import audit_service_pb2
from stateroom.execution.v1 import execution_service_pb2, workflow_service_pb2
from stateroom.session.v1 import (
    action_service_pb2,
    chat_service_pb2,
    context_service_pb2,
    message_service_pb2,
    session_service_pb2,
)
from stateroom.workspace.v1 import identity_service_pb2, workspace_service_pb2
from typing_extensions import override

from chassis.rpc.server import OPTIONS

FILES = (
    identity_service_pb2,
    workspace_service_pb2,
    session_service_pb2,
    context_service_pb2,
    message_service_pb2,
    action_service_pb2,
    chat_service_pb2,
    workflow_service_pb2,
    execution_service_pb2,
    audit_service_pb2,
)
Answer = Callable[[Any, Any], Awaitable[Message] | AsyncIterator[Message]]


class FakeServices(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Answers methods by their names; a method without an answer is UNIMPLEMENTED."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[Message] = []
        self.metadata: dict[str, str | bytes] = {}
        self.health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # not in the stubs
        self._methods = {
            f"/{service.full_name}/{method.name}": method
            for file in FILES
            for service in file.DESCRIPTOR.services_by_name.values()
            for method in service.methods
        }

    async def start(self) -> tuple[grpc.aio.Server, str]:
        """Listen on a free port; returns the server and its address."""
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((self,))
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, f"127.0.0.1:{port}"

    @override
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a method, as gRPC asks for it."""
        method = self._methods.get(details.method)
        if method is None or method.name not in self.answers:
            return None
        answer = self.answers[method.name]
        shape = {(False, False): "unary_unary", (False, True): "unary_stream", (True, True): "stream_stream"}
        kind = shape[method.client_streaming, method.server_streaming]

        def remember(request: Any, context: Any) -> Any:
            self.metadata = dict(context.invocation_metadata())
            if not method.client_streaming:
                self.requests.append(request)
            return answer(request, context)

        async def unary(request: Any, context: Any) -> Any:
            return await remember(request, context)

        async def stream(request: Any, context: Any) -> Any:
            async for item in remember(request, context):
                yield item

        maker = getattr(grpc, f"{kind}_rpc_method_handler")
        request_class = message_factory.GetMessageClass(method.input_type)
        return maker(
            stream if method.server_streaming else unary,
            request_deserializer=request_class.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
