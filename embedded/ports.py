"""Free ports on 127.0.0.1, the same at every start where possible, so that a noted address stays right."""

import itertools
import json
import os
import socket
import time
from collections.abc import Collection

from embedded import private_files
from embedded.errors import StartFailed
from embedded.layout import Layout

FIRST, LAST = 20_000, 32_000
"""Below the range the kernel takes from for outgoing connections (32768 and up): nobody gets in between by accident."""
_STRIDE = 40
_numbers = itertools.count(os.getpid() * _STRIDE)
"""Processes look in different places, so that two that start at the same moment do not choose the same ports."""


class Ports:
    """The ports of one installation, by the name of their user.

    `patience` is for how many seconds remembered ports in use are waited for, all together: processes take a moment to
    end once their supervisor was killed.
    """

    def __init__(self, layout: Layout, patience: float = 5.0) -> None:
        self._file = layout.ports
        self._known: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._given: set[int] = set()
        self._deadline = time.monotonic() + patience

    def take(self, name: str, wanted: int = 0) -> int:
        """Return a free port and remember it; `wanted` is taken or refused, 0 leaves the choice.

        Raises:
            StartFailed: the wanted port is in use.
        """
        if wanted and not self._free(wanted):
            msg = f"Port {wanted} is in use; choose another with --http, or leave it out to get a free one."
            raise StartFailed(msg)
        port = wanted or self._choose(name)
        self._given.add(port)
        self._known[name] = port
        private_files.write_json(self._file, self._known)
        return port

    def _choose(self, name: str) -> int:
        known = self._known.get(name, 0)
        return known if known and self._comes_free(known) else free_port(without=self._given)

    def _comes_free(self, port: int) -> bool:
        while not self._free(port):
            if port in self._given or time.monotonic() > self._deadline:
                return False
            time.sleep(0.05)  # noqa: TID251  # nothing runs beside it yet
        return True

    def _free(self, port: int) -> bool:
        return port not in self._given and _can_bind(port)


def free_port(*, count: int = 1, without: Collection[int] = ()) -> int:
    """Return the first of `count` ports in a row that nobody uses now, none of them one of `without`.

    Raises:
        StartFailed: there are none.
    """
    for number in itertools.islice(_numbers, LAST - FIRST):
        first = FIRST + number % (LAST - FIRST)
        if all(port not in without and _can_bind(port) for port in range(first, first + count)):
            for _ in range(count - 1):
                next(_numbers)
            return first
    msg = f"No free port between {FIRST} and {LAST} on 127.0.0.1."
    raise StartFailed(msg)


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
