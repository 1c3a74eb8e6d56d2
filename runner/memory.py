"""What the kernel says about processes that it killed for want of memory.

It counts them, and names none to those who are not privileged. Where this process has a control group of its own
(cgroup v2) the count is that of the group and all below; elsewhere it is that of the whole machine.
"""

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_MACHINE = Path("/proc/vmstat")
_COUNTER = "oom_kill"


def kills() -> int:
    """Return how many processes were killed; 0 where the kernel does not count."""
    for place in (*_own_events(), _MACHINE):
        try:
            counters = dict(line.split(" ", 1) for line in place.read_text().splitlines())
        except (OSError, ValueError):
            continue
        if _COUNTER in counters:
            return int(counters[_COUNTER])
    return 0


def _own_events() -> list[Path]:
    """Return the file with the events of our control group, if we are in one of version 2."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:
        return []
    groups = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return [_GROUPS / group / "memory.events" for group in groups]
