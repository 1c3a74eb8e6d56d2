"""Processes told apart for ever: found, described in files, found again, and signalled, and never any other.

A process is a pid together with its start time: a descriptor pins it before the start time is compared, so a signal
cannot reach a stranger that got the pid meanwhile.
"""

import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_DEAD = {b"Z", b"X"}
"""States of one whose parent has not asked for its end yet, or never will (proc(5))."""


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """A process for ever: `start_ticks` are clock ticks since the boot."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class _Stat:
    state: bytes
    parent: int
    start_ticks: int
    cpu_ticks: int


def find(pid: int) -> ProcessKey | None:
    """Return the process that has this pid now, a dead one too while its entry stays."""
    stat = _stat(pid)
    return None if stat is None else ProcessKey(pid, stat.start_ticks)


def is_running(process: ProcessKey) -> bool:
    """Whether exactly this process has not ended yet."""
    stat = _stat(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and stat.state not in _DEAD


def describe_self() -> dict[str, object]:
    """Return what a file says of this process, so that others find it, and no later one with the same pid."""
    ourselves = find(os.getpid())
    return {
        "pid": os.getpid(),
        "boot_id": boot_id(),
        "start_ticks": ourselves.start_ticks if ourselves else 0,
    }


def described_by(content: Mapping[str, object]) -> ProcessKey | None:
    """Return the process that a file speaks of; None when it speaks of none of this boot of the machine."""
    pid, start_ticks = content.get("pid"), content.get("start_ticks")
    if content.get("boot_id") != boot_id() or not isinstance(pid, int) or not isinstance(start_ticks, int):
        return None
    return ProcessKey(pid, start_ticks)


def descendants(keeper: int, depth: int = 0) -> list[ProcessKey]:
    """Return all processes below `keeper` that are more than `depth` generations below it, parents first."""
    children: defaultdict[int, list[ProcessKey]] = defaultdict(list)
    for entry in _PROC.iterdir():
        name = entry.name
        if name.isdigit() and (stat := _stat(int(name))) is not None:
            children[stat.parent].append(ProcessKey(int(name), stat.start_ticks))
    found: list[ProcessKey] = []
    generation, age = children[keeper], 0
    while generation:
        if age >= depth:
            found += generation
        generation = [child for parent in generation for child in children[parent.pid]]
        age += 1
    return found


def cpu_milliseconds(processes: Iterable[ProcessKey]) -> int:
    """Return the processor time of processes that live, with that of their children which they saw ending."""
    stats = (_stat(process.pid) for process in processes)
    return sum(stat.cpu_ticks for stat in stats if stat is not None) * 1000 // _TICKS_PER_SECOND


def send(process: ProcessKey, number: int) -> bool:
    """Signal exactly this process; return False when it is gone."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if find(process.pid) != process:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def send_all(processes: Iterable[ProcessKey], number: int) -> None:
    """Signal each of these processes that is still there."""
    for process in processes:
        with suppress(PermissionError):  # a program may have become another user, as `sudo` does
            send(process, number)


def boot_id() -> str:
    """Return what tells this boot of the machine, from which start times count, from every other."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    return _Stat(fields[0], int(fields[1]), int(fields[19]), sum(map(int, fields[11:15])))
