"""Processes that should have ended: found by the folder that only they name, or have something open in."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.support.waiting import until


def processes_naming(folder: Path) -> dict[int, str]:
    """Return the processes whose command line or environment names the folder, by number; not this one."""
    return {pid: said for pid, said in _all() if str(folder) in said and pid != os.getpid()}


async def end_all(folder: Path) -> None:
    """Kill the processes that name the folder or have a file of it open, and return when they have ended."""

    async def ended() -> bool:
        left = {*processes_naming(folder), *_having_open(folder)}
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    await until(ended)


def _having_open(folder: Path) -> Iterator[int]:
    """Yield the processes whose output goes to the folder, as a runner's does: forked, it names nothing."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "fd/1").readlink().is_relative_to(folder) and int(process.name) != os.getpid():
                yield int(process.name)


def _all() -> Iterator[tuple[int, str]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:
            continue
        yield int(process.name), said.replace(b"\0", b" ").decode(errors="replace")
