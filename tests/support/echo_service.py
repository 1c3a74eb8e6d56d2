"""The service behind transcoders under test: it answers with what it was asked, and remembers the bytes."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from typing_extensions import override

from chassis.rpc.server import OPTIONS
from tests.support.every_field import canonical, message_class, methods


class EchoService(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Serves the test contract. `received` has the methods that were called and their requests, in order."""

    def __init__(self) -> None:
        self.received: list[tuple[str, Message]] = []
        self.metadata: dict[str, str | bytes] = {}
        self._methods = methods()

    def take(self) -> list[tuple[str, bytes]]:
        """Return what was received since the last time, in canonical bytes."""
        taken = [(name, canonical(message)) for name, message in self.received]
        self.received.clear()
        return taken

    async def start(self) -> tuple[grpc.aio.Server, str]:
        """Listen on a free port; returns the server and its address."""
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((self,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, f"127.0.0.1:{port}"

    @override
    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a method, as gRPC asks for it."""
        method = self._methods.get(details.method.rpartition("/")[2])
        if method is None:
            return None
        answer = getattr(self, f"_{method.name.lower()}", _echo)

        def remember(request: Message, context: Any) -> Any:
            self.received.append((method.name, request))
            self.metadata = dict(context.invocation_metadata())
            return answer(request, context)

        async def unary(request: Message, context: Any) -> Message:
            await context.send_initial_metadata((("colour", "red"), ("data-bin", b"hi")))
            context.set_trailing_metadata((("late", "1"),))
            answered: Message = await remember(request, context)
            return answered

        async def stream(request: Message, context: Any) -> AsyncIterator[Message]:
            async for item in remember(request, context):
                yield item

        maker = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        return maker(
            stream if method.server_streaming else unary,
            request_deserializer=message_class(method.input_type.full_name).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    async def _delete(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    async def _download(self, request: Any, context: Any) -> Any:
        await _fail(request.code, context)
        return httpbody_pb2.HttpBody(content_type="text/x-name", data=request.name.encode() * request.count)

    async def _downloadparts(self, request: Any, context: Any) -> AsyncIterator[Message]:
        for at in range(request.count):
            yield httpbody_pb2.HttpBody(content_type="text/x-name", data=b"%s-%d;" % (request.name.encode(), at))
        await _fail(request.code, context)

    async def _stream(self, request: Any, context: Any) -> AsyncIterator[Message]:
        for at in range(request.count):
            yield message_class("Everything")(name=request.name, int32_value=at)
        await _fail(request.code, context)

    async def _fail(self, request: Any, context: Any) -> Any:
        await _fail(request.code, context)
        return await _echo(request, context)


async def _echo(request: Any, context: Any) -> Any:
    return request


async def _fail(number: int, context: Any) -> None:
    for code in grpc.StatusCode:
        if number and code.value[0] == number:
            await context.abort(code, "as asked")
