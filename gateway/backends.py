"""The services behind the gateway, and which of them serves a method."""

import asyncio
from collections.abc import Iterable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.rpc.channels import open_channel
from gateway.settings import GatewaySettings
from gateway.transcode.schema import Method

NAMES = ("workspace", "session", "audit", "execution")
"""Services, which are also the second part of the package of every contract they serve."""
_PROBE_SECONDS = 1.0


class Backends:
    """Open channels to all services that have an address."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._channels = {name: open_channel(address) for name, address in addresses.items() if address}

    def missing(self, methods: Iterable[Method]) -> list[str]:
        """Return the services that methods need and that have no address."""
        return sorted({method.backend for method in methods} - self._channels.keys())

    def channel(self, name: str) -> grpc.aio.Channel:
        """Return the channel to a service. KeyError when it has no address."""
        return self._channels[name]

    async def probe(self) -> dict[str, str]:
        """Ask every service for its health; those that do not answer within a second are UNREACHABLE."""
        states = await asyncio.gather(*(_probe(channel) for channel in self._channels.values()))
        return dict(zip(self._channels, states, strict=True))

    async def close(self) -> None:
        """Close all channels; open calls are cancelled."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))


async def _probe(channel: grpc.aio.Channel) -> str:
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=_PROBE_SECONDS
        )
    except grpc.aio.AioRpcError:
        return "UNREACHABLE"
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def addresses_of(settings: GatewaySettings) -> dict[str, str]:
    """Return service name → gRPC target."""
    return {name: str(getattr(settings, f"{name}_address")) for name in NAMES}
