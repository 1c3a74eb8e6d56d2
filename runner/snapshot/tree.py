"""Reads a directory that somebody else writes in: only beneath it, and through no link that may appear meanwhile."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.snapshot.errors import Changed, Refused

DEPTH = 400
"""Folders within each other: each holds a descriptor while it is read, and Linux gives 1,024."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe put there must not keep us waiting


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the directory, by its path in bytes.

    `descriptor` reads a file, until the next entry is asked for; `target` is what a link says; a folder has neither.
    """

    path: bytes
    mode: int
    size: int = 0
    descriptor: int | None = None
    target: bytes | None = None


def walk(directory: Path, skipped: frozenset[bytes] = frozenset()) -> Iterator[Entry]:
    """Yield all files, links and folders in order, a folder before what is in it.

    Pipes, sockets and devices hold no work and are left out, as are the paths that are skipped.

    Raises:
        Refused: something cannot be read.
        Changed: something went away while it was read.
    """
    with _opened(os.fspath(directory).encode(), _FOLDER, None, b"") as folder:
        yield from _entries(folder, b"", skipped, DEPTH)


def _entries(folder: int, path: bytes, skipped: frozenset[bytes], depth: int) -> Iterator[Entry]:
    if depth == 0:
        cause = f"folders are nested more than {DEPTH} deep"
        raise Refused(cause)
    for name in sorted(map(os.fsencode, os.listdir(folder))):
        inner = path + b"/" + name if path else name
        if inner in skipped:
            continue
        with _explained(inner):
            kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            target = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(kind) else None
        if target is not None:
            yield Entry(inner, kind, target=target)
        elif stat.S_ISDIR(kind):
            yield Entry(inner, kind)
            with _opened(name, _FOLDER, folder, inner) as opened:
                yield from _entries(opened, inner, skipped, depth - 1)
        elif stat.S_ISREG(kind):
            with _opened(name, _FILE, folder, inner) as opened:
                found = os.fstat(opened)
                if stat.S_ISREG(found.st_mode):
                    yield Entry(inner, found.st_mode, found.st_size, opened)


@contextmanager
def _opened(name: bytes, flags: int, folder: int | None, path: bytes) -> Iterator[int]:
    with _explained(path):
        descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _explained(path: bytes) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        cause = f"{shown(path)} cannot be read"
        raise Refused(cause) from error
    except OSError as error:  # gone, or a link by now
        raise Changed(shown(path)) from error


def shown(path: bytes) -> str:
    """Return a path for people: short, and without anything that a terminal would obey."""
    text = path.decode(errors="replace")
    return "".join(char if char.isprintable() else "?" for char in text)[:200]
