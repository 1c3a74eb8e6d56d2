"""One gateway process: channels, routes, application, and the HTTP server that asks it."""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from chassis import logs, settings
from chassis.rpc.channels import Neighbour
from chassis.rpc.exchange import RemoteExchange
from chassis.rpc.rates import Attempts, Rate
from chassis.rpc.token_cache import TokenCache
from chassis.rpc.tokens import TokenSigner
from chassis.telemetry import open_spans
from gateway.access_log import AccessLog
from gateway.app import Application
from gateway.backends import Backends, addresses_of
from gateway.calls import Calls
from gateway.documentation import documentation
from gateway.health import Pages
from gateway.observation import Requests
from gateway.origin import OriginRule
from gateway.preview.admission import Admission
from gateway.preview.host import PreviewHosts
from gateway.preview.site import PreviewSite
from gateway.settings import GatewaySettings
from gateway.transcode.codec import Codec
from gateway.transcode.request import RequestBinder
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema, installed_contracts

NAME = "gateway"
_log = logs.get(NAME)


def build(config: GatewaySettings, backends: Backends) -> Application:
    """Put the application together; exits when a service that a route needs has no address."""
    contracts = installed_contracts()
    schema = Schema(contracts)
    missing = backends.missing(schema.methods)
    if missing:
        settings.refuse(*(f"{name.upper()}_ADDRESS: the address of the service, host:port" for name in missing))
    codec = Codec(schema.registry)
    signer = TokenSigner(NAME, config.signing_key_file)
    workspace = Neighbour("workspace", backends.channel("workspace"), signer)
    calls = Calls(
        backends,
        TokenCache(RemoteExchange(workspace), Attempts(Rate.parse(config.rate_refused))),
        codec,
        RequestBinder(codec),
        config.body_limit_bytes,
        config.heartbeat_seconds,
        signer.own,
    )
    pages = Pages(backends, documentation(schema, contracts))
    access_log = AccessLog(NAME, sys.stderr.fileno()) if config.logs_access else None
    hosts = PreviewHosts(config.preview_url)
    previews = PreviewSite(hosts, Admission(calls, hosts))
    origins = OriginRule(config.allowed_origins)
    return Application(Routes(schema), calls, pages, origins, Requests(access_log), previews)


def http_server(application: Application, host: str, port: int) -> Server:
    """Return the server that asks the application; it listens when it serves."""
    return Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        backlog=1024,
        log_level=LogLevels.error,
    )


async def serve(config: GatewaySettings, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then drain, end open streams, wait for requests, and close everything.

    Several processes may serve one port: the kernel deals new connections out among them.
    """
    async with AsyncExitStack() as stack:
        open_spans(config, NAME, stack)
        backends = Backends(addresses_of(config))
        stack.push_async_callback(backends.close)
        application = build(config, backends)
        gc.freeze()  # contracts and routes stay: to look through them, now and then, held requests up for 20 ms
        stack.callback(application.requests.flush)
        server = http_server(application, host, port)
        if config.metrics_listen:
            stack.callback(application.requests.serve(config.metrics_listen))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            _log.info("gateway started", address=f"{host}:{port}")
            await stop.wait()
            await application.stop(config.drain_seconds, config.stop_grace_seconds)
            server.stop()  # type: ignore[no-untyped-call]  # granian has no types here
    _log.info("gateway stopped")
