"""Changes a second through a service, each with its change event in the same transaction."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import asyncpg
import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

from benchmarks.callers import Call, rate
from benchmarks.installation import Installation
from benchmarks.ledger import caught_up
from benchmarks.row import Row, at_least

CALLERS, SECONDS = 16, 8.0
ALONE, TOGETHER = 1000.0, 500.0
METHOD = "/stateroom.workspace.v1.IdentityService/CreateApiKey"
_TABLES = """
CREATE SCHEMA bare;
CREATE TABLE bare.keys (key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, hash bytea);
CREATE TABLE bare.outbox (outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea);
"""


async def measure(installation: Installation) -> list[Row]:
    """Create API keys with the consumers stopped, then with everything running until all of them are recorded."""
    bare = await _bare(installation)
    with _stopped(installation.endpoint.pids[name] for name in ("audit", "session")):
        alone = await _ours(installation)
    connection = await asyncpg.connect(installation.database_url)
    try:
        await caught_up(connection)
        answered = await _ours(installation)
        began = time.monotonic()
        await caught_up(connection)
        behind = time.monotonic() - began
    finally:
        await connection.close()
    recorded = answered * SECONDS / (SECONDS + behind)
    name = "raw transactions of two inserts"
    return [
        at_least(Row("mutations, consumers stopped", "/s", alone, bare, name), ALONE),
        at_least(Row("mutations, everything running, until all are recorded", "/s", recorded, bare, name), TOGETHER),
        Row("  from the last answer until all are recorded", "ms", behind * 1000),
    ]


async def _ours(installation: Installation) -> float:
    request = pb.CreateApiKeyRequest(api_key=pb.ApiKey(name="bench"))
    async with grpc.aio.insecure_channel(installation.endpoint.services["workspace"]) as channel:
        create = channel.unary_unary(
            METHOD,
            request_serializer=pb.CreateApiKeyRequest.SerializeToString,
            response_deserializer=pb.CreateApiKeyResponse.FromString,
        )
        call: Call = partial(create, request, metadata=installation.bearer)
        await call()
        return await rate(lambda _: call, CALLERS, SECONDS)


async def _bare(installation: Installation) -> float:
    connections = [await asyncpg.connect(installation.database_url) for _ in range(CALLERS)]
    await connections[0].execute(_TABLES)
    try:
        return await rate(_inserts(connections), CALLERS, SECONDS)
    finally:
        await connections[0].execute("DROP SCHEMA bare CASCADE")
        for connection in connections:
            await connection.close()


def _inserts(connections: list[asyncpg.Connection]) -> Callable[[int], Call]:
    async def insert(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("INSERT INTO bare.keys (name, hash) VALUES ($1, $2)", "bench", bytes(32))
            await connection.execute("INSERT INTO bare.outbox (payload) VALUES ($1)", bytes(300))

    return lambda number: partial(insert, connections[number])


@contextmanager
def _stopped(pids: Iterator[int]) -> Iterator[None]:
    """Hold processes still without ending them: they would be started again."""
    held = list(pids)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
