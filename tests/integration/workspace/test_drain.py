"""The service is told to stop while people use it: what it said is so, and what it refuses may be called again."""

import asyncio
from typing import Any

import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

from chassis.rpc import status
from tests.support.people import Person, newcomer
from tests.support.product import Product
from tests.support.source import query
from tests.support.waiting import PATIENCE

CALLERS = 8
ENOUGH = 40
"""Answers before the service is told to stop: every caller is in the middle of its work."""
REQUEST = pb.CreateApiKeyRequest(api_key=pb.ApiKey(name="a key"))


async def _create_until_refused(person: Person, answered: list[str], enough: asyncio.Event) -> grpc.aio.AioRpcError:
    while True:
        try:
            created = await person.keys.CreateApiKey(REQUEST, metadata=person.metadata, timeout=PATIENCE)
        except grpc.aio.AioRpcError as exc:
            return exc
        answered.append(created.api_key.api_key_id)
        if len(answered) >= ENOUGH:
            enough.set()


def _is_clear(exc: grpc.aio.AioRpcError) -> bool:
    """Whether the call may be made again: the service says so, or nobody answers any more."""
    trailing: dict[str, Any] = dict(exc.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stub has no iterator
    told: bytes = trailing.get(status.DETAILS_KEY, b"")
    return exc.code() is grpc.StatusCode.UNAVAILABLE and (not told or b"SHUTTING_DOWN" in told)


async def test_stop_under_load_keeps_every_answered_mutation_and_refuses_clearly(product: Product) -> None:
    """Every key that a caller got is in the record, every refusal is UNAVAILABLE, and the process exits with 0."""
    await product.start("workspace")
    process = product.processes["workspace"]
    answered: list[str] = []
    enough = asyncio.Event()
    async with newcomer(product) as person, asyncio.TaskGroup() as group:
        callers = [group.create_task(_create_until_refused(person, answered, enough)) for _ in range(CALLERS)]
        await enough.wait()
        process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    assert [exc for caller in callers if not _is_clear(exc := caller.result())] == []
    rows = await query(product.installation.url("workspace_system"), "SELECT api_key_id::text AS id FROM api_keys")
    assert set(answered) <= {row["id"] for row in rows}
