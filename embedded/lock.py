"""One supervisor for a data folder at a time."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import private_files


class AlreadyRunning(Exception):
    """Another supervisor holds the data folder."""


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel releases it with the process, so a stale one cannot exist.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    descriptor = os.open(private_files.folder(data) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        private_files.write_json(
            data / "supervisor.json", {"pid": os.getpid(), "start_ticks": start_ticks(os.getpid())}
        )
        yield
    finally:
        os.close(descriptor)


def is_held(data: Path) -> bool:
    """Whether a supervisor runs on the folder."""
    try:
        descriptor = os.open(data / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(data: Path) -> int | None:
    """Return the process id of the supervisor, unless the number belongs to another process by now."""
    try:
        noted = json.loads((data / "supervisor.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    pid = int(noted["pid"])
    return pid if start_ticks(pid) == noted["start_ticks"] else None


def start_ticks(pid: int) -> int | None:
    """Return when the process began, in clock ticks since boot; with it a process id names one process for ever."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    return int(status.rpartition(")")[2].split()[19])
