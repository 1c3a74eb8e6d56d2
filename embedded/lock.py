"""One supervisor for a data folder at a time."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chassis import processes
from embedded import private_files
from embedded.errors import StartFailed


class AlreadyRunning(Exception):
    """Another supervisor holds the data folder."""


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel releases it with the process, so a stale one cannot exist.

    Raises:
        AlreadyRunning: somebody else holds it.
        StartFailed: the folder cannot be made or written.
    """
    try:
        descriptor = os.open(private_files.folder(data) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        msg = f"{data} cannot hold an installation ({error.strerror}); choose another folder with --data."
        raise StartFailed(msg) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        private_files.write_json(data / "supervisor.json", processes.describe_self())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        StartFailed: somebody else holds it, or the folder cannot be made or written.
    """
    try:
        with held(data):
            yield
    except AlreadyRunning as error:
        msg = f"Another process uses {data}; two never share it."
        raise StartFailed(msg) from error


def is_held(data: Path) -> bool:
    """Whether a supervisor runs on the folder."""
    try:
        descriptor = os.open(data / "lock", os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(data: Path) -> processes.ProcessKey | None:
    """Return the process of the supervisor, unless it has ended."""
    try:
        noted = json.loads((data / "supervisor.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    process = processes.described_by(noted)
    return process if process is not None and processes.is_running(process) else None
