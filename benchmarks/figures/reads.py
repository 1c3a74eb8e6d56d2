"""What credential, policy, validation and row security add to a read."""

from functools import partial

import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb

from benchmarks.callers import Call, latencies, rate
from benchmarks.installation import Installation
from benchmarks.peers import reading
from benchmarks.peers.process import peer
from benchmarks.row import Row, at_most, percentile

ROUNDS, CALLS = 5, 200
CALLERS, SECONDS = 16, 1.0
ALLOWED = 35.0
"""Percent that our median call may take longer than the bare one."""
METHOD = "/stateroom.workspace.v1.IdentityService/GetApiKey"


async def measure(installation: Installation) -> list[Row]:
    """Read one API key from the service, and from a bare server that makes the same query."""
    key_id = (await installation.client.get("/v1/apiKeys"))["apiKeys"][0]["apiKeyId"]
    request = pb.GetApiKeyRequest(api_key_id=key_id)
    async with (
        peer("reading", installation.database_url) as port,
        grpc.aio.insecure_channel(installation.endpoint.services["workspace"]) as our_channel,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare_channel,
    ):
        calls = (_call(our_channel, METHOD, request, installation.bearer), _call(bare_channel, reading.METHOD, request))
        alone: tuple[list[float], list[float]] = ([], [])
        rates: tuple[list[float], list[float]] = ([], [])
        for call in calls:
            await latencies(call, CALLS)
        for _ in range(ROUNDS):
            for call, seconds, together in zip(calls, alone, rates, strict=True):
                seconds.extend(await latencies(call, CALLS))
                together.append(await rate(lambda _, call=call: call, CALLERS, SECONDS))  # type: ignore[misc]
    our, bare = (percentile(seconds, 50) * 1000 for seconds in alone)
    read = Row("read of one row, alone, p50", "ms", our, bare, "bare grpc.aio + query")
    our_rate, bare_rate = (percentile(together, 50) for together in rates)
    return [
        at_most(read, bare * (1 + ALLOWED / 100), f"≤ +{ALLOWED:g} %"),
        Row(f"reads with {CALLERS} callers", "/s", our_rate, bare_rate, "bare grpc.aio + query"),
    ]


def _call(
    channel: grpc.aio.Channel, method: str, request: pb.GetApiKeyRequest, metadata: tuple[tuple[str, str], ...] = ()
) -> Call:
    unary = channel.unary_unary(
        method,
        request_serializer=pb.GetApiKeyRequest.SerializeToString,
        response_deserializer=pb.ApiKey.FromString,
    )
    return partial(unary, request, metadata=metadata)
