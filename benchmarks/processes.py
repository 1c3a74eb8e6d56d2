"""What a process and its children take up: processor time and memory."""

import asyncio
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12  # fields of /proc/PID/stat after the name in brackets, proc_pid_stat(5)


async def cores_of(pid: int, seconds: float) -> float:
    """Return how many cores a process and its children use on average over some seconds from now."""
    before, began = sum(map(_seconds, _family(pid))), time.monotonic()
    await asyncio.sleep(seconds)
    return (sum(map(_seconds, _family(pid))) - before) / (time.monotonic() - began)


def resident_of(pid: int) -> int:
    """Return the resident bytes of a process and its children."""
    pages = (Path(f"/proc/{each}/statm").read_text().split()[1] for each in _family(pid))
    return sum(map(int, pages)) * resource.getpagesize()


def sockets_of(pid: int) -> int:
    """Return how many sockets a process has open."""
    return sum("socket:" in str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir())


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS
