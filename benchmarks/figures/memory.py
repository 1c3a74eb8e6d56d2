"""Memory of an idle installation with one runner and one session: the sum over all its processes."""

import asyncio
import json
from pathlib import Path

from benchmarks.installation import Installation
from benchmarks.row import Row, at_most

LIMIT = 800.0
"""Megabytes of 10^6 bytes."""
_SETTLE = 5.0  # seconds for start-up work to end


async def measure(installation: Installation) -> list[Row]:
    """Sum up PSS, the share of memory that each process would free by ending; processes share much of theirs."""
    await installation.open_session()
    await asyncio.sleep(_SETTLE)
    sizes = _sizes(installation)
    total = at_most(Row("idle memory, all processes (PSS)", "MB", sum(sizes.values())), LIMIT)
    parts = sorted(sizes.items(), key=lambda part: -part[1])
    return [total, *(Row(f"  {name}", "MB", size) for name, size in parts)]


def _sizes(installation: Installation) -> dict[str, float]:
    names = {pid: name for name, pid in installation.endpoint.pids.items()}
    for file in installation.data.glob("workspace/rooms/*/runner.json"):
        names[int(json.loads(file.read_text())["pid"])] = "runner"
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    sizes: dict[str, float] = {}
    for pid in parents:
        if (name := _owner(pid, parents, names)) is not None:
            sizes[name] = sizes.get(name, 0.0) + _pss(pid)
    return sizes


def _owner(pid: int, parents: dict[int, int], names: dict[int, str]) -> str | None:
    """Return the part of the installation that a process belongs to: its own, or the nearest ancestor's."""
    while pid not in names:
        if pid not in parents:
            return None
        pid = parents[pid]
    return names[pid]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:"))
