"""An entry of the file system as callers see it."""

import os
import stat
from collections.abc import Sequence

from stateroom.file.v1.file_pb2 import File

from runner.files import paths

_NANOSECONDS = 1_000_000_000
_SECONDS = range(-62_135_596_800, 253_402_300_800)
"""The years 1 to 9999, all that a Timestamp holds; a file may claim any other."""

_KINDS = {stat.S_IFREG: File.FILE, stat.S_IFDIR: File.DIRECTORY, stat.S_IFLNK: File.SYMLINK}


def etag(found: os.stat_result) -> str:
    """Return what tells this version of an entry from others: a change of anything gives it another change time."""
    return f'"{found.st_ino:x}-{found.st_ctime_ns:x}-{found.st_size:x}"'


def kind(found: os.stat_result) -> File.Kind.ValueType:
    """Return what an entry is."""
    return _KINDS.get(stat.S_IFMT(found.st_mode), File.OTHER)


def kind_name(found: os.stat_result) -> str:
    """Return the name of what an entry is."""
    return File.Kind.Name(kind(found))


def look(parts: Sequence[str], folder: int) -> File:
    """Return the last of `parts`, which lies in an open directory. OSError."""
    found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
    target = os.readlink(parts[-1], dir_fd=folder) if stat.S_ISLNK(found.st_mode) else ""
    return describe("/".join(parts), found, target)


def describe(path: str, found: os.stat_result, target: str = "") -> File:
    """Return the message of an entry; `target` is where a link points to."""
    file = File(
        path=paths.shown(path),
        kind=kind(found),
        size_bytes=found.st_size,
        mode=stat.S_IMODE(found.st_mode),
        etag=etag(found),
        link_target=paths.shown(target),
        unreadable_name=not paths.is_utf8(path),
    )
    seconds, nanoseconds = divmod(found.st_mtime_ns, _NANOSECONDS)
    if seconds in _SECONDS:
        file.modify_time.seconds, file.modify_time.nanos = seconds, nanoseconds
    return file
