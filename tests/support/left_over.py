"""Processes that should have ended: found by the folder that only they name."""

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
    """Kill the processes that name the folder, and return when they have ended."""

    async def ended() -> bool:
        for pid in processes_naming(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not processes_naming(folder)

    await until(ended)


def _all() -> Iterator[tuple[int, str]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
        except OSError:
            continue
        yield int(process.name), said.replace(b"\0", b" ").decode(errors="replace")
