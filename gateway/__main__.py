"""Starts the gateway: settings → a port → one process that serves it, or several and this one to watch over them."""

import asyncio
import signal
import socket
import sys

import uvloop

from chassis import logs, settings
from gateway.server import NAME, serve
from gateway.settings import GatewaySettings
from gateway.workers import supervise


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


async def run(config: GatewaySettings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    host, _, port = config.http_listen.rpartition(":")
    host = host.strip("[]")
    number = check_port(host, int(port))
    if config.workers > 1:
        return await supervise(config.workers, host, number, stop)
    await serve(config, host, number, stop)
    return 0


if __name__ == "__main__":
    loaded = settings.load(GatewaySettings)
    logs.configure(level=loaded.log_level, form=loaded.log_format, process=NAME)
    sys.exit(uvloop.run(run(loaded)))
