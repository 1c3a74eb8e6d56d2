"""Channels to other services, and calls over them."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import grpc

from chassis import trace
from chassis.errors import ServiceUnavailable
from chassis.rpc import status

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
_MANY = ("dns:", "ipv4:", "ipv6:")
"""How targets begin that may stand for several addresses, such as one for each replica."""

_IN_TURN = (
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.dns_min_time_between_resolutions_ms", 2_000),
)
"""Beside them for such a target: calls go to all its addresses in turn, and those that come anew are soon found."""

LIVE = "live"
"""The health service by which to ask whether a process answers; "" is the one by which to ask whether to call it."""
DEADLINE = 10.0
"""Seconds a unary call between services may take."""

T = TypeVar("T")


def open_channel(target: str, *, certificate: str = "", name: str = "") -> grpc.aio.Channel:
    """Open a channel that notices a dead peer within 15 seconds and comes back within one when the peer does.

    Args:
        target: a gRPC address; calls go in turn to all that it stands for.
        certificate: the only one by which the peer can prove itself, PEM; empty for a peer without TLS.
        name: to whom the certificate is made out.
    """
    options: list[tuple[str, Any]] = [*OPTIONS, *(_IN_TURN if target.startswith(_MANY) else ())]
    if not certificate:
        return grpc.aio.insecure_channel(target, options=options)
    options.append(("grpc.ssl_target_name_override", name))
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(certificate.encode()), options=options)


def runner_name(runner_id: str) -> str:
    """Return to whom the certificate of a runner is made out."""
    return f"{runner_id}.room.stateroom"


def open_runner_channel(runner_id: str, address: str, certificate: str) -> grpc.aio.Channel:
    """Open a channel to a runner: on the network by its certificate, through a socket of this machine without.

    Raises:
        ValueError: an address on the network came without a certificate, so anybody could be there to take our token.
    """
    if not certificate and not address.startswith("unix:"):
        raise ValueError(address)
    return open_channel(address, certificate=certificate, name=runner_name(runner_id))


Metadata = tuple[tuple[str, str], ...]


class Credentials(Protocol):
    """What we show to whom we call."""

    def metadata(self) -> Metadata:
        """Return it as metadata of a call."""


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token that stays the same, such as a runner's."""

    token: str

    def metadata(self) -> Metadata:
        """Return the metadata of a call."""
        return (("authorization", f"Bearer {self.token}"),)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another process of the installation. One that is `patient` waits for it to come up while a call's time lasts."""

    name: str
    channel: grpc.aio.Channel
    credentials: Credentials
    patient: bool = True

    def metadata(self, traceparent: str = "") -> Metadata:
        """Return the metadata of a call: our token, and the trace that it belongs to, the current one by default."""
        return (*self.credentials.metadata(), (trace.HEADER, traceparent or trace.current()))

    async def call(self, method: Callable[..., Awaitable[T]], request: Any, timeout: float = DEADLINE) -> T:  # noqa: ASYNC109  # any message; gRPC's own deadline
        """Make a unary call. Raises the neighbour's own error, or ServiceUnavailable when it does not answer."""
        with self._calling(method) as metadata:
            return await method(request, metadata=metadata, timeout=timeout, wait_for_ready=self.patient)

    async def send(self, method: Callable[..., Any], requests: AsyncIterable[Any], timeout: float) -> Any:  # noqa: ASYNC109  # as above
        """Make a call that takes a stream. Raises as `call` does, or what the stream itself raises."""
        with self._calling(method) as metadata:
            call = method(metadata=metadata, timeout=timeout, wait_for_ready=self.patient)
            try:
                with suppress(asyncio.InvalidStateError):  # it has ended already; how, is what awaiting it tells
                    async for request in requests:
                        await call.write(request)
                    await call.done_writing()
                return await call
            finally:
                call.cancel()

    async def stream(self, method: Callable[..., AsyncIterable[T]], request: Any) -> AsyncIterator[T]:  # any message
        """Make a call that answers with a stream. Raises as `call` does."""
        with self._calling(method) as metadata:
            async for response in method(request, metadata=metadata, wait_for_ready=self.patient):
                yield response

    @contextmanager
    def _calling(self, method: object) -> Iterator[Metadata]:
        """Give a call its metadata, and turn how it fails into an error of ours."""
        try:
            with trace.part(_name(method), **{"server.address": self.name}) as traceparent:
                yield self.metadata(traceparent)
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=self.name)
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise ServiceUnavailable(self.name) from exc  # nobody cancels us: the channel was closed under the call


def _name(method: object) -> str:
    """Return the full name of a stub's method, which gRPC shows nowhere in public."""
    path: bytes = getattr(method, "_method", b"")
    return path.decode().removeprefix("/")
