"""Our transcoder and Envoy's, both in front of one service that remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from benchmarks.peers.envoy import envoy
from chassis.errors import CredentialInvalid
from chassis.rpc.rates import Attempts, Rate
from chassis.rpc.token_cache import TokenCache
from gateway.app import Application
from gateway.backends import Backends
from gateway.calls import Calls
from gateway.health import Pages
from gateway.listening import HttpServer, listen
from gateway.observation import Requests
from gateway.origin import OriginRule
from gateway.transcode.codec import Codec
from gateway.transcode.request import RequestBinder
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema
from tests.support.echo_service import EchoService
from tests.support.every_field import SERVICE, descriptor_set

ENVOY_OPTIONS = {
    "convert_grpc_status": True,
    "query_param_unescape_plus": True,
    "print_options": {"always_print_primitive_fields": True, "stream_newline_delimited": True},
}
"""What brings Envoy nearest to us, so that only what no option decides is left to differ."""
BODY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it goes over the wire: `target` is path and query, still encoded."""

    method: str
    target: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: what the service received, and what the client did."""

    received: list[tuple[str, bytes]]
    status: int
    content_type: str
    body: bytes
    headers: httpx2.Headers


@dataclass(frozen=True, slots=True)
class Transcoders:
    """Addresses of both, and the service behind them."""

    service: EchoService
    client: httpx2.AsyncClient
    our_address: str
    envoy_address: str

    async def ours(self, call: Call) -> Outcome:
        """Make a call through our gateway."""
        return await self._call(self.our_address, call)

    async def envoy(self, call: Call) -> Outcome:
        """Make a call through Envoy."""
        return await self._call(self.envoy_address, call)

    async def _call(self, address: str, call: Call) -> Outcome:
        self.service.take()
        headers = {"content-type": "application/json", **call.headers} if call.body is not None else call.headers
        response = await self.client.request(
            call.method,
            f"http://{address}",
            content=call.body,
            headers=headers,
            extensions={"target": call.target.encode()},
        )
        content_type = response.headers.get("content-type", "")
        return Outcome(self.service.take(), response.status_code, content_type, response.content, response.headers)


@asynccontextmanager
async def running_transcoders() -> AsyncIterator[Transcoders]:
    """Run the service, our gateway and Envoy, until the block ends."""
    service = EchoService()
    async with AsyncExitStack() as stack:
        server, upstream = await service.start()
        stack.push_async_callback(server.stop, 0)
        ours = await stack.enter_async_context(_gateway(upstream))
        (theirs,) = await stack.enter_async_context(envoy(descriptor_set(), [SERVICE], upstream, ENVOY_OPTIONS))
        client = await stack.enter_async_context(httpx2.AsyncClient())
        yield Transcoders(service, client, ours, theirs)


@asynccontextmanager
async def _gateway(upstream: str) -> AsyncIterator[str]:
    schema, backends = Schema(descriptor_set()), Backends({"transcoding": upstream})
    codec = Codec(schema.registry)
    tokens = TokenCache(_nobody, Attempts(Rate.parse("1000/s")))
    calls = Calls(backends, tokens, codec, RequestBinder(codec), BODY_LIMIT, heartbeat=15.0, own_token=str)
    application = Application(Routes(schema), calls, Pages(backends, {}), OriginRule(frozenset()), Requests(None))
    with listen("127.0.0.1", 0) as socket:
        server = HttpServer(application, socket)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            yield "{}:{}".format(*socket.getsockname())
            server.stop()  # type: ignore[no-untyped-call]  # granian has no types here
    await backends.close()


async def _nobody(text: str, account: str) -> str:
    raise CredentialInvalid
