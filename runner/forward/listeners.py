"""Which sockets of the machine listen on a port, and whether programs of this room hold them.

All rooms and the installation itself share one network (ADR 7), so a port number says nothing about whose it is. A
socket's inode does: a program of the room has it open, or it is somebody else's.
"""

import asyncio
import ipaddress
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chassis import processes

KNOWN_FOR = 1.0
"""Seconds for which nobody looks again: a page asks for a hundred things, and the kernel takes milliseconds to say."""
_TABLES = ("tcp", "tcp6")
_LISTENS = "0A"  # the state of a socket that listens, in /proc/net/tcp
_WORD = 8  # hexadecimal digits of the four bytes that the kernel writes in the machine's own order


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens: `host` is the address of the loopback by which it is reached."""

    host: str
    inode: int


@dataclass(slots=True)
class Listeners:
    """Sockets that programs below a process listen on; `root` is the process that starts all programs of the room."""

    root: int = field(default_factory=os.getpid)
    _ours: dict[int, set[int]] = field(default_factory=dict)
    """By port: inodes of the room's sockets."""
    _known: dict[int, tuple[str, float]] = field(default_factory=dict)
    """By port: where it was found, and when."""

    async def host(self, port: int) -> str | None:
        """Return the host by which programs of the room are reached at a port; None unless the port is theirs alone.

        Where anybody else listens on it as well, at whatever address, nobody can tell who would answer.
        """
        found, then = self._known.pop(port, (None, 0.0))
        now = time.monotonic()
        if found is None or now > then + KNOWN_FOR:
            found, then = await asyncio.to_thread(self._find, port), now
        if found is not None:
            self._known[port] = found, then
        return found

    def _find(self, port: int) -> str | None:
        found = list(_listening(port))
        if not found or not self._own(port, {listener.inode for listener in found}):
            return None
        return min(listener.host for listener in found)  # IPv4 before IPv6

    def _own(self, port: int, inodes: set[int]) -> bool:
        # What was ours stays ours: an inode is a socket's for as long as it lives.
        if not inodes <= self._ours.get(port, set()):
            self._ours[port] = inodes & set(_opened_by(processes.descendants(self.root)))
        return inodes <= self._ours[port]


def _listening(port: int) -> Iterator[Listener]:
    for table in _TABLES:
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *others = line.split()
            address, _, number = local.partition(":")
            if state == _LISTENS and int(number, 16) == port and (host := _host(address)):
                yield Listener(host, int(others[5]))


def _host(address: str) -> str:
    """Return how the loopback reaches a listening address; empty when it does not."""
    words = (bytes.fromhex(address[at : at + _WORD])[::-1] for at in range(0, len(address), _WORD))
    parsed = ipaddress.ip_address(b"".join(words))
    if parsed.version == 4:  # noqa: PLR2004  # as people say it
        return "127.0.0.1" if parsed.is_unspecified or str(parsed) == "127.0.0.1" else ""
    return "::1" if parsed.is_unspecified or parsed.is_loopback else ""


def _opened_by(found: Iterable[processes.ProcessKey]) -> Iterator[int]:
    """Yield the inodes of all sockets that processes have open."""
    for process in found:
        folder = f"/proc/{process.pid}/fd"
        try:
            numbers = os.listdir(folder)  # noqa: PTH208  # thousands; paths would cost several times as much
        except OSError:  # it ended, or became another user
            continue
        for number in numbers:
            try:
                kind, _, rest = os.readlink(f"{folder}/{number}").partition(":[")  # noqa: PTH115  # as above
            except OSError:
                continue
            if kind == "socket":
                yield int(rest.rstrip("]"))
