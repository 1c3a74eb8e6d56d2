"""Whether a service answers."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import httpx2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from embedded.process import ManagedProcess

START_SECONDS = 60.0
"""A service on a busy machine may need long to import everything; a hang is still noticed."""
POLL_SECONDS = 0.05
ANSWER_SECONDS = 2.0
STOP_SECONDS = 5.0


async def wait_until(ready: Callable[[], Awaitable[bool]], process: ManagedProcess) -> None:
    """Ask until the answer is yes.

    Raises:
        StartFailed: the process ended or stayed silent for a minute.
    """
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.running:
                if await ready():
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        await process.stop(STOP_SECONDS)
    raise process.failure()


async def grpc_serving(address: str) -> bool:
    """Ask a gRPC server for its health (grpc.health.v1)."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=ANSWER_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def http_ready(url: str) -> bool:
    """Ask the gateway whether it and all it needs are ready."""
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        try:
            return (await client.get(f"{url}/readyz")).is_success
        except httpx2.TransportError:
            return False
