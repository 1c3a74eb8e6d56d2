"""Starts the gateway: settings → a socket → one process that serves it, or several and this one to watch over them."""

import asyncio
import signal
import sys

import uvloop

from chassis import logs, settings
from gateway.listening import listen
from gateway.server import NAME, serve
from gateway.settings import GatewaySettings
from gateway.workers import supervise


async def run(config: GatewaySettings) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    host, _, port = config.http_listen.rpartition(":")
    with listen(host.strip("[]"), int(port)) as listening:
        if config.workers > 1:
            return await supervise(config.workers, listening, stop)
        await serve(config, listening, stop)
    return 0


if __name__ == "__main__":
    loaded = settings.load(GatewaySettings)
    logs.configure(level=loaded.log_level, form=loaded.log_format, process=NAME)
    sys.exit(uvloop.run(run(loaded)))
