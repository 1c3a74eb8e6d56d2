"""How long after its commit a change can be read in the audit log, at a steady rate."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

from benchmarks.figures.mutations import METHOD
from benchmarks.installation import Installation
from benchmarks.ledger import LOOK, caught_up
from benchmarks.row import Row, at_most, percentile

RATE, SECONDS = 200, 10
LIMIT = 250.0
"""Milliseconds, p99."""
_PATIENCE = 60.0  # seconds for entries that are still missing at the end
_NEWEST = "SELECT coalesce(max(position), 0) FROM audit.entries WHERE source = 'workspace'"
_AFTER = """
SELECT position, entity_id::text FROM audit.entries WHERE source = 'workspace' AND position > $1 ORDER BY position
"""


async def measure(installation: Installation) -> list[Row]:
    """Create API keys at a steady rate and watch for their entries; a change is committed when it is answered."""
    committed: dict[str, float] = {}
    seen: dict[str, float] = {}
    connection = await asyncpg.connect(installation.database_url)
    try:
        await caught_up(connection)  # with what other figures changed
        async with asyncio.timeout(SECONDS + _PATIENCE), asyncio.TaskGroup() as group:
            group.create_task(_watch(connection, seen, lambda: len(seen) < RATE * SECONDS))
            await _create(installation, committed)
    finally:
        await connection.close()
    delays = [max(seen[key] - committed[key], 0.0) * 1000 for key in committed]
    what = f"commit → audit entry at {RATE}/s"
    return [
        Row(f"{what} p50", "ms", percentile(delays, 50)),
        at_most(Row(f"{what} p99", "ms", percentile(delays, 99)), LIMIT),
    ]


async def _create(installation: Installation, committed: dict[str, float]) -> None:
    request = pb.CreateApiKeyRequest(api_key=pb.ApiKey(name="bench"))
    began = time.monotonic()
    async with grpc.aio.insecure_channel(installation.endpoint.services["workspace"]) as channel:
        create = channel.unary_unary(
            METHOD,
            request_serializer=pb.CreateApiKeyRequest.SerializeToString,
            response_deserializer=pb.CreateApiKeyResponse.FromString,
        )

        async def one() -> None:
            answer = await create(request, metadata=installation.bearer)
            committed[answer.api_key.api_key_id] = time.monotonic()

        async with asyncio.TaskGroup() as group:
            for number in range(RATE * SECONDS):
                await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
                group.create_task(one())


async def _watch(connection: asyncpg.Connection, seen: dict[str, float], wanted: Callable[[], bool]) -> None:
    position = await connection.fetchval(_NEWEST)
    while wanted():
        rows = await connection.fetch(_AFTER, position)
        now = time.monotonic()
        for row in rows:
            seen[row["entity_id"]] = now
            position = row["position"]
        await asyncio.sleep(LOOK)
