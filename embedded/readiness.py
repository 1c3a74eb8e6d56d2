"""Whether a service answers."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import httpx2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.rpc.channels import LIVE
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


async def grpc_answers(address: str) -> bool:
    """Ask a gRPC server whether it is alive (grpc.health.v1).

    A service that is alive and not ready has lost something that starting it again does not bring back.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=LIVE), timeout=ANSWER_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def gateway_reaches_all(url: str) -> bool:
    """Ask the gateway whether every service answers it, ready or not."""
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(f"{url}/readyz")
        except httpx2.TransportError:
            return False
    return "UNREACHABLE" not in answer.json().get("services", {"gateway": "UNREACHABLE"}).values()
