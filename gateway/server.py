"""One gateway process: channels, routes, application, and the HTTP server that asks it."""

import asyncio
import gc
import socket
import sys
from contextlib import AsyncExitStack

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
from gateway.listening import HttpServer
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


async def serve(config: GatewaySettings, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then drain, end open streams, wait for requests, and close everything.

    Several processes may serve one socket: each new connection is taken by one of them.
    """
    async with AsyncExitStack() as stack:
        open_spans(config, NAME, stack)
        backends = Backends(addresses_of(config))
        stack.push_async_callback(backends.close)
        application = build(config, backends)
        gc.freeze()  # contracts and routes stay: to look through them, now and then, held requests up for 20 ms
        stack.callback(application.requests.flush)
        server = HttpServer(application, listening)
        if config.metrics_listen:
            stack.callback(application.requests.serve(config.metrics_listen))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            _log.info("gateway started", address="{}:{}".format(*listening.getsockname()))
            await stop.wait()
            await application.stop(config.drain_seconds, config.stop_grace_seconds)
            server.stop()  # type: ignore[no-untyped-call]  # granian has no types here
    _log.info("gateway stopped")
