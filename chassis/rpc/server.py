"""A gRPC server of ours: handlers bound from descriptors, each inside the chain; health, reflection, graceful stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from types import ModuleType
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chassis.beside import beside
from chassis.errors import Unavailable
from chassis.rpc import auth, chain, form, policy
from chassis.rpc.call import Call, peer_address
from chassis.rpc.channels import LIVE
from chassis.rpc.open_calls import OpenCalls
from chassis.rpc.policy import Method
from chassis.rpc.rates import UNLIMITED, Rates
from chassis.rpc.token_cache import RECHECK_MAX_AGE, RECHECK_SECONDS

OPTIONS = (
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
)

Options = Sequence[tuple[str, int]]

_LAST_WORDS = 0.5  # seconds for the statuses of calls that took too long

Handler = Callable[[Any, Call], Any]


def aging(seconds: float, grace_seconds: float) -> Options:
    """Return options by which a server has each client connect anew after about that time; 0 for never.

    gRPC varies the time by a tenth, so that not all come back at once. Calls that are open go on over the old
    connection; those that are still open `grace_seconds` later are cut off, unless that is 0.
    """
    times = {"grpc.max_connection_age_ms": seconds, "grpc.max_connection_age_grace_ms": grace_seconds}
    return [(name, int(time * 1000)) for name, time in times.items() if seconds and time]


class Server:
    """Serves implementations of contract services.

    An implementation is a plain object with one method for each RPC, `async def Name(self, request, call)`; a server
    stream is an async generator; a client stream gets an async iterator of requests instead of one.
    """

    def __init__(
        self,
        authenticator: auth.Authenticator,
        note_refusal: chain.NoteRefusal = lambda _call, _error: None,
        note_call: chain.NoteCall = lambda _call, _seconds: None,
        rates: Rates = UNLIMITED,
        recheck_seconds: float = RECHECK_SECONDS,
        options: Options = (),
    ) -> None:
        self.ready = False
        self._calls = OpenCalls()
        self._guard = chain.Guard(authenticator, note_refusal, self._calls, rates, note_call)
        self._recheck_seconds = recheck_seconds
        self._server = grpc.aio.server(options=[*OPTIONS, *options])
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # missing in the stub
        self._names: list[str] = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def add(self, service: ServiceDescriptor, implementation: object) -> None:
        """Serve a contract service. AttributeError when the implementation lacks one of its methods."""
        handlers = {
            method.descriptor.name: self._bind(method, getattr(implementation, method.descriptor.name))
            for method in policy.methods(service)
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        self._names.append(service.full_name)

    def add_all(self, servicers: Mapping[ModuleType, object]) -> None:
        """Serve several, each of which implements the one service of a contract's module. AttributeError as above."""
        for contract, servicer in servicers.items():
            (service,) = contract.DESCRIPTOR.services_by_name.values()
            self.add(service, servicer)

    async def start(self, listen: str, credentials: grpc.ServerCredentials | None = None) -> str:
        """Listen on `host:port` or `unix:/path`, with TLS if there are credentials; port 0 takes a free one.

        Returns the address that clients use.
        """
        reflection.enable_server_reflection(self._names, self._server)
        if credentials is None:
            port = self._server.add_insecure_port(listen)
        else:
            port = self._server.add_secure_port(listen, credentials)
        await self._server.start()
        await self._health.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
        await self.set_ready(ready=True)
        return listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"

    @property
    def open_calls(self) -> int:
        """How many calls are under way, streams among them."""
        return len(self._calls)

    async def set_ready(self, *, ready: bool) -> None:
        """Say to those who ask for our health whether we should be called. A server that stops never says yes."""
        self.ready = ready
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, serving if ready else not_serving)

    async def drain(self, seconds: float) -> None:
        """Be not ready and serve on for `seconds`; then refuse calls, and end open streams, with ShuttingDown."""
        self.ready = False
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(seconds)
        await self._calls.refuse()

    async def stop(self, grace: float) -> None:
        """Take no connections, give open calls `grace` seconds, then end them with ShuttingDown."""
        await self._health.enter_graceful_shutdown()
        cutting = asyncio.get_running_loop().call_later(grace, self._calls.cut_short)
        await self._server.stop(grace + _LAST_WORDS)
        cutting.cancel()

    def _bind(self, method: Method, handler: Handler) -> "grpc.RpcMethodHandler[Any, Any]":
        descriptor = method.descriptor
        streams = (descriptor.client_streaming, descriptor.server_streaming)
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[streams]
        request = message_factory.GetMessageClass(descriptor.input_type)
        response = message_factory.GetMessageClass(descriptor.output_type)
        wrap = self._streaming if descriptor.server_streaming else self._single
        # Requests are decoded inside the chain, so that bytes which are none are answered like any other mistake.
        return make(wrap(method, handler, request), response_serializer=response.SerializeToString)

    def _single(self, method: Method, handler: Handler, message: type[Message]) -> Callable[..., Awaitable[Any]]:
        async def handle(request: Any, context: chain.Context) -> Any:  # any contract message
            call = _call(method, context)
            async with chain.around(call, context, self._guard):
                return await handler(_checked(message, request, call), call)

        return handle

    def _streaming(self, method: Method, handler: Handler, message: type[Message]) -> Callable[..., Awaitable[None]]:
        async def handle(request: Any, context: chain.Context) -> None:  # as above
            call = _call(method, context)
            async with (
                chain.around(call, context, self._guard),
                beside(self._recheck(call), self._calls.until_refused(), call.until_failed()),
                aclosing(handler(_checked(message, request, call), call)) as responses,
            ):
                async for response in responses:
                    await _write(context, response)

        return handle

    async def _recheck(self, call: Call) -> None:
        """Raise, which ends the stream, once its credential works no more.

        A workspace service that does not answer proves nothing, and ends nothing.
        """
        if call.metadata.get("authorization", "").startswith("Bearer eyJ") and not auth.has_ticket(call):
            return  # whoever exchanged the credential checks it again and ends the call
        while True:
            await asyncio.sleep(self._recheck_seconds)
            with suppress(Unavailable):
                call.principal = await self._guard.authenticator.authenticate(call, max_age=RECHECK_MAX_AGE)
                auth.authorize(call)


async def _write(context: chain.Context, response: Any) -> None:  # any contract message
    try:
        await context.write(response)
    except grpc.aio.InternalError as exc:  # the client has left, and the news of it comes after
        raise asyncio.CancelledError from exc


def _call(method: Method, context: chain.Context) -> Call:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return Call(method, metadata, peer_address(context.peer()))


def _checked(message: type[Message], sent: Any, call: Call) -> Any:  # bytes or an iterator of them; one message or many
    if call.method.descriptor.client_streaming:
        return _checked_stream(message, sent, call)
    request = form.decode(message, sent)
    chain.validate(request)
    call.note_repeat(request)
    return request


async def _checked_stream(message: type[Message], sent: AsyncIterator[bytes], call: Call) -> AsyncIterator[Message]:
    call.was_heard = True
    async for one in sent:
        request = form.decode(message, one)
        chain.validate(request)
        yield request
