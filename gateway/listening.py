"""The socket that the gateway listens on: bound once, by the process that was started, and handed on to its workers."""

import os
import socket
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.net import SocketHolder  # type: ignore[attr-defined]  # as in the stub
from granian.server.embed import Server
from typing_extensions import override

from chassis import settings

BACKLOG = 1024
"""Connections that wait while nobody takes them."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on a free port for 0. Exits when the address cannot be had.

    Its port cannot be shared (SO_REUSEPORT): the kernel would deal a part of the connections, with the credentials in
    them, to any other process of this user that asks for it, such as a program in a room.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it: a key must not wait
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as exc:
        settings.refuse(f"HTTP_LISTEN: {host}:{port}: {exc.strerror}")
    return listening


class HttpServer(Server):
    """The HTTP server on a socket that listens already; by itself it would bind one that can be shared."""

    def __init__(self, application: object, listening: socket.socket) -> None:
        super().__init__(application, interface=Interfaces.ASGI, backlog=BACKLOG, log_level=LogLevels.error)
        self._listening = listening

    @override
    def _init_shared_socket(self) -> None:
        held: Any = SocketHolder  # its constructor is missing in the stub
        self._shd = held(os.dup(self._listening.fileno()), uds=False, backlog=BACKLOG)  # it closes what it was given
