"""Who lives in a room: a lock that its runner holds from before its first instruction until its end.

Who starts a runner takes the lock and hands the descriptor down. So no runner is ever without it, whoever is killed at
which moment, and two never share a room. The kernel releases it with the last process that has it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

_NAME = "runner.lock"
_LENGTH = 32  # hexadecimal digits of the holder's id


@contextmanager
def taken(room: Path, runner_id: UUID) -> Iterator[int | None]:
    """Hold a room for a new runner and give the descriptor to hand down; None while another runner has the room."""
    descriptor = os.open(room / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if _locked(descriptor, fcntl.LOCK_EX):
            os.pwrite(descriptor, runner_id.hex.encode(), 0)
            yield descriptor
        else:
            yield None
    finally:
        os.close(descriptor)


def holder(room: Path) -> UUID | None:
    """Return the runner that lives in a room or is being started there, None when nobody does."""
    try:
        descriptor = os.open(room / _NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        noted = os.pread(descriptor, _LENGTH, 0).decode()
        return UUID(noted) if noted and not _locked(descriptor, fcntl.LOCK_SH) else None
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
