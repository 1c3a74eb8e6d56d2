"""A control group whose processes the kernel kills when they take more memory than it allows."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chassis import ids

_PARENTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory"))
_LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Of version 2, and of version 1."""


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """Make a group, and return the file that takes the pids of its processes; skip where none can be made."""
    for parent in _PARENTS:
        group = parent / f"stateroom-test-{ids.new()}"
        with suppress(OSError):
            group.mkdir()
        if limits := [group / name for name in _LIMITS if (group / name).exists()]:
            limits[0].write_text(str(limit))
            break
        if group.exists():
            group.rmdir()
    else:
        pytest.skip("no control group can be made here")
    try:
        yield group / "cgroup.procs"
    finally:
        group.rmdir()
