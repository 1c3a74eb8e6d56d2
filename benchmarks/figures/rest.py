"""Reads over REST with many connections: one resource, and a list of 50."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

from benchmarks.callers import Call, rate
from benchmarks.installation import Installation
from benchmarks.row import Row, percentile

CONNECTIONS, SECONDS, ROUNDS = 16, 2.0, 3
LISTED = 50
_SERVICE = "/stateroom.workspace.v1.IdentityService/"
_OK = b"HTTP/1.1 200 "


async def measure(installation: Installation) -> list[Row]:
    """Read through the gateway, and the same by gRPC from the service behind it."""
    while len(found := (await installation.client.get("/v1/apiKeys", pageSize=LISTED))["apiKeys"]) < LISTED:
        await installation.client.post("/v1/apiKeys", {"name": "bench"})
    key_id = found[0]["apiKeyId"]
    one, many = pb.GetApiKeyRequest(api_key_id=key_id), pb.ListApiKeysRequest(page_size=LISTED)
    return [
        await _row(installation, "GET of one resource", f"/v1/apiKeys/{key_id}", ("GetApiKey", one)),
        await _row(installation, f"List of {LISTED}", f"/v1/apiKeys?pageSize={LISTED}", ("ListApiKeys", many)),
    ]


async def _row(installation: Installation, what: str, path: str, bare: tuple[str, object]) -> Row:
    ours, theirs = [], []
    async with AsyncExitStack() as stack:
        rest = await _connect(installation, path, stack)
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(installation.endpoint.services["workspace"])
        )
        method, request = bare
        unary = channel.unary_unary(_SERVICE + method, request_serializer=_serialize, response_deserializer=bytes)
        call = partial(unary, request, metadata=installation.bearer)
        for _ in range(ROUNDS):
            ours.append(await rate(rest, CONNECTIONS, SECONDS))
            theirs.append(await rate(lambda _: call, CONNECTIONS, SECONDS))
    name = "gRPC to the service, without the gateway"
    what = f"{what} through the gateway, {CONNECTIONS} connections"
    return Row(what, "/s", percentile(ours, 50), percentile(theirs, 50), name)


def _serialize(request: pb.GetApiKeyRequest | pb.ListApiKeysRequest) -> bytes:
    return request.SerializeToString()


async def _connect(installation: Installation, path: str, stack: AsyncExitStack) -> Callable[[int], Call]:
    """Open connections that send one prepared request; a full HTTP client would cost more than the gateway."""
    address = urlsplit(installation.endpoint.gateway)
    headers = (f"Host: {address.netloc}", f"Authorization: Bearer {installation.endpoint.api_key}", "", "")
    request = "\r\n".join((f"GET {path} HTTP/1.1", *headers)).encode()
    connections = []
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        stack.callback(writer.close)
        connections.append((reader, writer))
    return lambda number: partial(_get, *connections[number], request)


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(_OK.lower()):
        raise RuntimeError(head.decode())
    length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    await reader.readexactly(int(length))
