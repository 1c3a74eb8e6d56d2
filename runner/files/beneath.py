"""Opening what lies beneath a directory, and nothing else: the kernel resolves the path, and refuses to leave.

A path that is checked first and opened afterwards can be another one by then: shells in the room swap links under us.
"""

import ctypes
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runner.files import paths
from runner.files.errors import PathOutsideWorkspace, ProtectedPath

_LIBC = ctypes.CDLL(None, use_errno=True)
_OPENAT2 = 437  # the same number on every machine that Linux added since
_RESOLVE_BENEATH, _RESOLVE_NO_MAGICLINKS = 0x08, 0x02
_RENAME_NOREPLACE = 1
_ATTEMPTS = 64
"""The kernel gives up, and may be asked again, while somebody moves directories about."""

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
PLACE = os.O_PATH | os.O_NOFOLLOW
"""Flags for the entry itself: it is not opened, so that a pipe does not wait and a device does nothing."""


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(root: int, path: str, flags: int) -> int:
    """Open a path relative to a directory; every link on the way must stay in it. OSError with EXDEV when not."""
    how = _How(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    number = errno.EAGAIN
    for _ in range(_ATTEMPTS):
        opened = _LIBC.syscall(_OPENAT2, root, os.fsencode(path or "."), ctypes.byref(how), ctypes.sizeof(how))
        if opened >= 0:
            return int(opened)
        if (number := ctypes.get_errno()) not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(number, os.strerror(number))


@contextmanager
def descriptor(opened: int) -> Iterator[int]:
    """Close a descriptor at the end."""
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def opened_beneath(folder: Path, parts: Sequence[str], flags: int) -> Iterator[int]:
    """Open what `parts` lead to from a folder of ours."""
    with descriptor(os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)) as root:
        opened = open_beneath(root, "/".join(parts), flags)
    with descriptor(opened):
        yield opened


@contextmanager
def directory_to_change(folder: Path, parts: Sequence[str]) -> Iterator[int]:
    """Open a directory in which an entry is to change.

    Raises:
        ProtectedPath: links lead into a `.git` folder.
        PathOutsideWorkspace: somebody just moved it away.
    """
    path = "/".join(parts)
    with opened_beneath(folder, parts, DIRECTORY) as opened:
        where = Path(f"/proc/self/fd/{opened}").readlink()
        if not where.is_relative_to(folder):
            raise PathOutsideWorkspace(path)
        if paths.GIT in where.relative_to(folder).parts:
            raise ProtectedPath(path)
        yield opened


def names(directory: int) -> list[str]:
    """Return the names in an open directory."""
    return os.listdir(directory)


def reopen(place: int, flags: int) -> int:
    """Open for reading, or what flags say, the very entry that a place is."""
    return os.open(f"/proc/self/fd/{place}", flags | os.O_CLOEXEC)


def rename_to_nothing(source: str, source_folder: int, target: str, target_folder: int) -> None:
    """Rename where nothing is yet. OSError with EEXIST when something is."""
    arguments = (source_folder, os.fsencode(source), target_folder, os.fsencode(target), _RENAME_NOREPLACE)
    if _LIBC.renameat2(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
