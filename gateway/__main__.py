"""Starts the gateway: settings → channels, routes, application → HTTP server."""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack

import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from chassis import logs, settings
from chassis.rpc.channels import Neighbour
from chassis.rpc.exchange import RemoteExchange
from chassis.rpc.token_cache import TokenCache
from chassis.rpc.tokens import TokenSigner
from gateway.app import Application
from gateway.backends import Backends, addresses_of
from gateway.calls import Calls
from gateway.documentation import documentation
from gateway.health import Pages
from gateway.origin import OriginRule
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
    workspace = Neighbour("workspace", backends.channel("workspace"), TokenSigner(NAME, config.signing_key_file))
    calls = Calls(
        backends,
        TokenCache(RemoteExchange(workspace)),
        codec,
        RequestBinder(codec),
        config.body_limit_bytes,
        config.heartbeat_seconds,
    )
    pages = Pages(backends, documentation(schema, contracts))
    return Application(Routes(schema), calls, pages, OriginRule(config.allowed_origins))


def check_port(host: str, port: int) -> int:
    """Return the port to listen on, a free one for 0; exits when the address cannot be had.

    The HTTP server cannot tell which port it took for 0, and would share one that another process listens on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            settings.refuse(f"HTTP_LISTEN: {host}:{port}: {exc.strerror}")
        return int(probe.getsockname()[1])


async def serve(config: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; then end open streams, wait for requests, and close everything."""
    host, _, port = config.http_listen.rpartition(":")
    host = host.strip("[]")
    number = check_port(host, int(port))
    async with AsyncExitStack() as stack:
        backends = Backends(addresses_of(config))
        stack.push_async_callback(backends.close)
        application = build(config, backends)
        server = Server(
            application,
            address=host,
            port=number,
            interface=Interfaces.ASGI,
            backlog=1024,
            log_level=LogLevels.error,
        )
        stop = asyncio.Event()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            _log.info("gateway started", address=f"{host}:{number}")
            await stop.wait()
            await application.stop(config.drain_seconds, config.stop_grace_seconds)
            server.stop()  # type: ignore[no-untyped-call]  # granian has no types here
    _log.info("gateway stopped")


if __name__ == "__main__":
    loaded = settings.load(GatewaySettings)
    logs.configure(level=loaded.log_level, form=loaded.log_format, process=NAME)
    uvloop.run(serve(loaded))
