"""Channels to other services, and calls over them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from chassis import trace
from chassis.rpc import status
from chassis.rpc.tokens import TokenSigner

OPTIONS = (
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
DEADLINE = 10.0
"""Seconds a unary call between services may take."""

T = TypeVar("T")


def open_channel(target: str) -> grpc.aio.Channel:
    """Open a channel that notices a dead peer within 15 seconds and comes back within one when the peer does."""
    return grpc.aio.insecure_channel(target, options=OPTIONS)


class Neighbour:
    """Another service, called with this service's own token."""

    def __init__(self, name: str, channel: grpc.aio.Channel, signer: TokenSigner) -> None:
        self.name = name
        self.channel = channel
        self._signer = signer

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a call: our token and the current trace."""
        return (*self._signer.metadata(), (trace.HEADER, trace.current()))

    async def call(self, method: Callable[..., Awaitable[T]], request: Any, timeout: float = DEADLINE) -> T:  # noqa: ASYNC109  # any message; gRPC's own deadline
        """Make a unary call. Raises the neighbour's own error, or ServiceUnavailable when it does not answer."""
        try:
            return await method(request, metadata=self.metadata(), timeout=timeout, wait_for_ready=True)
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=self.name)
