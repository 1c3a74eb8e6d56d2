"""The services behind the gateway, and which of them serves a method."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis import trace
from chassis.rpc.channels import open_channel
from gateway.metadata import Metadata
from gateway.settings import GatewaySettings
from gateway.transcode.schema import Method

UnaryCall = grpc.aio.UnaryUnaryCall[bytes, bytes]
StreamCall = grpc.aio.UnaryStreamCall[bytes, bytes]
UploadCall = grpc.aio.StreamUnaryCall[bytes, bytes]
BidiCall = grpc.aio.StreamStreamCall[bytes, bytes]

CallT = TypeVar("CallT", UnaryCall, StreamCall, UploadCall, BidiCall)

NAMES = ("workspace", "session", "execution", "audit")
"""Services, which are also the second part of the package of every contract they serve."""
_PROBE_SECONDS = 1.0


class Backends:
    """Open channels to all services that have an address."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._channels = {name: open_channel(address) for name, address in addresses.items() if address}
        self._unary: dict[str, Any] = {}

    def missing(self, methods: Iterable[Method]) -> list[str]:
        """Return the services that methods need and that have no address."""
        return sorted({method.backend for method in methods} - self._channels.keys())

    def channel(self, name: str) -> grpc.aio.Channel:
        """Return the channel to a service. KeyError when it has no address."""
        return self._channels[name]

    def unary(self, method: Method, message: bytes, metadata: Metadata, timeout: float) -> UnaryCall:
        """Call a method with one message; `timeout` is in seconds. Awaiting the call gives the answer's bytes."""
        path = method.grpc_path
        callable_ = self._unary.get(path)
        if callable_ is None:
            callable_ = self._unary[path] = self._of(method).unary_unary(path)
        metadata, span = _begin(method, metadata)
        call: UnaryCall = callable_(message, metadata=metadata, timeout=timeout)
        return _watched(call, span)

    def server_stream(self, method: Method, message: bytes, metadata: Metadata, timeout: float | None) -> StreamCall:
        """Call a method that answers with a stream, for `timeout` seconds at most. Cancel the call to leave early."""
        metadata, span = _begin(method, metadata)
        open_stream = self._of(method).unary_stream(method.grpc_path)
        call: StreamCall = open_stream(message, metadata=metadata, timeout=timeout)
        return _watched(call, span)

    def upload(self, method: Method, metadata: Metadata, timeout: float | None) -> UploadCall:
        """Call a method that takes a stream, for `timeout` seconds at most. Awaiting gives the answer's bytes."""
        metadata, span = _begin(method, metadata)
        call: UploadCall = self._of(method).stream_unary(method.grpc_path)(metadata=metadata, timeout=timeout)
        return _watched(call, span)

    def stream(self, method: Method, metadata: Metadata) -> BidiCall:
        """Call a method that streams both ways. Cancel the call to leave early."""
        metadata, span = _begin(method, metadata)
        call: BidiCall = self._of(method).stream_stream(method.grpc_path)(metadata=metadata)
        return _watched(call, span)

    def _of(self, method: Method) -> Any:  # the stubs require serializers; bytes need none
        return self._channels[method.backend]

    async def probe(self) -> dict[str, str]:
        """Ask every service for its health; those that do not answer within a second are UNREACHABLE."""
        states = await asyncio.gather(*(_probe(channel) for channel in self._channels.values()))
        return dict(zip(self._channels, states, strict=True))

    async def close(self) -> None:
        """Close all channels; open calls are cancelled."""
        await asyncio.gather(*(channel.close(None) for channel in self._channels.values()))


def _begin(method: Method, metadata: Metadata) -> tuple[Metadata, trace.Span | None]:
    """Begin a span of a call, if anybody wants to know, and return it with the metadata that names it."""
    span = trace.begin_part(method.grpc_path.removeprefix("/"), trace.current())
    if span is None:
        return metadata, None
    span.attributes = {"rpc.system.name": "grpc", "server.address": method.backend}
    return (*(pair for pair in metadata if pair[0] != trace.HEADER), (trace.HEADER, span.traceparent)), span


def _watched(call: CallT, span: trace.Span | None) -> CallT:
    if span is not None:
        call.add_done_callback(lambda _: trace.end_part(span))
    return call


async def read(call: StreamCall | BidiCall) -> bytes | None:
    """Return the next message of a stream, None at its good end. Raises AioRpcError at a bad one."""
    message: Any = await call.read()
    return message if isinstance(message, bytes) else None


async def written(call: UploadCall | BidiCall, message: bytes) -> bool:
    """Send a message. False when the call is over: how it ended is for who waits for its answer to find."""
    try:
        await call.write(message)
    except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
        return False
    return True


async def _probe(channel: grpc.aio.Channel) -> str:
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=_PROBE_SECONDS
        )
    except grpc.aio.AioRpcError:
        return "UNREACHABLE"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def addresses_of(settings: GatewaySettings) -> dict[str, str]:
    """Return service name → gRPC target."""
    return {name: str(getattr(settings, f"{name}_address")) for name in NAMES}
