"""One of several gateway processes: `python -m gateway.worker SOCKET NUMBER`, started by `gateway.workers`."""

import asyncio
import signal
import socket
import sys

import uvloop
from typing_extensions import override

from chassis import logs, settings
from gateway.server import NAME, serve
from gateway.settings import GatewaySettings


class _UntilEnd(asyncio.Protocol):
    """Sets an event when the other end of a pipe is gone."""

    def __init__(self, gone: asyncio.Event) -> None:
        self._gone = gone

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()


async def run(config: GatewaySettings, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, or until the process that started this one is gone."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    transport, _ = await loop.connect_read_pipe(lambda: _UntilEnd(stop), sys.stdin)
    await serve(config, listening, stop)
    transport.close()


def for_worker(config: GatewaySettings, number: int) -> GatewaySettings:
    """Return the settings of one worker: each serves its own metrics, at the port of the settings plus its number."""
    host, _, port = config.metrics_listen.rpartition(":")
    if not host or port == "0":
        return config
    return config.model_copy(update={"metrics_listen": f"{host}:{int(port) + number}"})


if __name__ == "__main__":
    loaded = settings.load(GatewaySettings)
    logs.configure(level=loaded.log_level, form=loaded.log_format, process=NAME)
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        uvloop.run(run(for_worker(loaded, int(sys.argv[2])), inherited))
