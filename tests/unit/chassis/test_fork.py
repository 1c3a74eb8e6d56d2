"""Programs that a process with open gRPC channels starts."""

import asyncio

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

CHILDREN = 40
"""Without the setting one in ten to fifty dies before its first instruction."""


def test_subprocess_while_calls_are_under_way_survives() -> None:
    """No child dies in gRPC's fork handlers, which would run between its fork and its exec."""
    # uvloop, as in the services: Python's own loop starts programs with vfork, which runs no handlers.
    assert uvloop.run(_exit_codes()) == [0] * CHILDREN


async def _exit_codes() -> list[int]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)  # type: ignore[attr-defined]  # missing in the stub
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.TaskGroup() as group:
        calling = group.create_task(_call_for_ever(health_pb2_grpc.HealthStub(channel)))
        codes = [await _exit_code() for _ in range(CHILDREN)]
        calling.cancel()
    await server.stop(None)
    return codes


async def _call_for_ever(stub: health_pb2_grpc.HealthStub) -> None:
    while True:
        await stub.Check(health_pb2.HealthCheckRequest())


async def _exit_code() -> int:
    process = await asyncio.create_subprocess_exec("/bin/true", start_new_session=True)
    return await process.wait()
