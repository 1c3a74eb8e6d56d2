"""Finds and signals the processes that descend from one of ours, and never any other.

A process is a pid together with its start time: a descriptor pins it before the start time is compared, so a signal
cannot reach a stranger that got the pid meanwhile.
"""

import contextlib
import os
import signal
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """A process for ever: `start` is in clock ticks since the boot."""

    pid: int
    start: int


def boot_id() -> str:
    """Return what tells this boot of the machine from every other."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def find(pid: int) -> ProcessKey | None:
    """Return the process that has this pid now."""
    stat = _stat(pid)
    return None if stat is None else ProcessKey(pid, stat[1])


def descendants(keeper: int, depth: int = 0) -> list[ProcessKey]:
    """Return all processes below `keeper` that are more than `depth` generations below it, parents first."""
    children: defaultdict[int, list[ProcessKey]] = defaultdict(list)
    for entry in _PROC.iterdir():
        name = entry.name
        if name.isdigit() and (stat := _stat(int(name))) is not None:
            children[stat[0]].append(ProcessKey(int(name), stat[1]))
    found: list[ProcessKey] = []
    generation, age = children[keeper], 0
    while generation:
        if age >= depth:
            found += generation
        generation = [child for parent in generation for child in children[parent.pid]]
        age += 1
    return found


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


def send_all(processes: list[ProcessKey], number: int) -> None:
    """Signal each of these processes that is still there."""
    for process in processes:
        with contextlib.suppress(PermissionError):  # a program may have become another user, as `sudo` does
            send(process, number)


def _stat(pid: int) -> tuple[int, int] | None:
    """Return the parent and the start time of a process."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    return int(fields[1]), int(fields[19])
