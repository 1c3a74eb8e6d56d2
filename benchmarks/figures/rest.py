"""Reads over REST with many connections, one resource and a list of 50: through our gateway and through Envoy."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from benchmarks.callers import Call, rate
from benchmarks.installation import Installation
from benchmarks.peers.constant import LISTED
from benchmarks.peers.envoy import envoy
from benchmarks.peers.process import peer
from benchmarks.row import Row, at_least, percentile
from chassis import ids
from chassis.rpc import credential
from gateway.transcode.schema import installed_contracts
from tests.support.gateway_process import running_gateway

CONNECTIONS, SECONDS, ROUNDS = 16, 1.5, 7
"""Ours and the peer's take turns, so that a busy moment of the machine hits both."""
PATHS = {
    "GET of one resource": (f"/v1/apiKeys/{ids.new()}", 0.75),
    f"List of {LISTED}": (f"/v1/apiKeys?pageSize={LISTED}", 0.9),
}
"""What is asked of both, and the part of Envoy's rate that is ours to reach."""
_SERVICE = "stateroom.workspace.v1.IdentityService"
_OPTIONS = {"print_options": {"always_print_primitive_fields": True}}
_OK = b"http/1.1 200 "


async def measure(_installation: Installation) -> list[Row]:
    """Read through one worker of ours and one thread of Envoy.

    Ours checks the credential and writes its access log; Envoy passes it on, and writes none.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sr-bench-")))
        backend = f"127.0.0.1:{await stack.enter_async_context(peer('constant'))}"
        ours, _ = await stack.enter_async_context(running_gateway(folder, backend))
        (theirs,) = await stack.enter_async_context(envoy(installed_contracts(), [_SERVICE], backend, _OPTIONS))
        return [await _row(what, path, part, (ours, theirs)) for what, (path, part) in PATHS.items()]


async def _row(what: str, path: str, part: float, addresses: tuple[str, str]) -> Row:
    rates: tuple[list[float], list[float]] = ([], [])
    async with AsyncExitStack() as stack:
        callers = [await _connect(address, path, stack) for address in addresses]
        for caller in callers:
            await rate(caller, CONNECTIONS, SECONDS)
        for _ in range(ROUNDS):
            for caller, measured in zip(callers, rates, strict=True):
                measured.append(await rate(caller, CONNECTIONS, SECONDS))
    our, their = (percentile(measured, 50) for measured in rates)
    row = Row(f"{what} over REST, {CONNECTIONS} connections", "/s", our, their, "Envoy's transcoder, one thread")
    return at_least(row, part * their, f"≥ {part:g} times Envoy's")


async def _connect(address: str, path: str, stack: AsyncExitStack) -> Callable[[int], Call]:
    """Open connections that send one prepared request; a full HTTP client would cost more than the gateway."""
    host, _, port = address.rpartition(":")
    headers = (f"Host: {address}", f"Authorization: Bearer {credential.mint('k', ids.new()).text}", "", "")
    request = "\r\n".join((f"GET {path} HTTP/1.1", *headers)).encode()
    connections = []
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(host, int(port))
        stack.callback(writer.close)
        connections.append((reader, writer))
    return lambda number: partial(_get, *connections[number], request)


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(_OK):
        raise RuntimeError(head.decode())
    length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    if length:
        await reader.readexactly(int(length))
        return
    while (size := int(await reader.readuntil(b"\r\n"), 16)) or not await reader.readexactly(2):  # chunks, from Envoy
        await reader.readexactly(size + 2)
