"""What callers are told when files are not as they think."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.errors import (
    AlreadyExists,
    Conflict,
    DomainError,
    InvalidArgument,
    InvalidField,
    LimitExceeded,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Violation,
    WrongState,
)

_SHOWN = 200
"""Characters of a path or of an archive's entry that an error repeats."""


class PathOutsideWorkspace(InvalidField):
    """{field}: {description}."""

    reason = "PATH_OUTSIDE_WORKSPACE"

    def __init__(self, path: str, field: str = "path") -> None:
        super().__init__(Violation(field, f"{path[:_SHOWN]!r} leads out of the workspace"))


class InvalidPath(InvalidField):
    """{field}: {description}."""

    reason = "INVALID_PATH"

    def __init__(self, what: str, field: str = "path") -> None:
        super().__init__(Violation(field, what))


class ProtectedPath(PermissionDenied):
    """{path} lies in a .git folder, whose configuration and hooks run programs; only git writes there."""

    reason = "PROTECTED_PATH"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileNotFound(NotFound):
    """There is nothing at {path}."""

    reason = "FILE_NOT_FOUND"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileAlreadyExists(AlreadyExists):
    """There is something at {path} already."""

    reason = "FILE_ALREADY_EXISTS"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileNameClashes(AlreadyExists):
    """{path} and {other} differ by case or Unicode form only; many systems cannot hold both."""

    reason = "FILE_NAME_CLASHES"

    def __init__(self, path: str, other: str) -> None:
        super().__init__(path=path[:_SHOWN], other=other[:_SHOWN])


class NotARegularFile(WrongState):
    """{path} is no regular file but {kind}."""

    reason = "NOT_A_REGULAR_FILE"

    def __init__(self, path: str, kind: str) -> None:
        super().__init__(path=path[:_SHOWN], kind=kind)


class NotADirectory(WrongState):
    """{path}, or what is above it, is no directory."""

    reason = "NOT_A_DIRECTORY"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class DirectoryNotEmpty(WrongState):
    """{path} is not empty; `recursive` deletes it with all that is in it."""

    reason = "DIRECTORY_NOT_EMPTY"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileTooLarge(InvalidArgument):
    """The content is larger than {limit} bytes, the most that is taken."""

    reason = "FILE_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class FileChanged(Conflict):
    """{path} changed while it was read; read it again."""

    reason = "FILE_CHANGED"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileRangeOutside(OutOfRange):
    """The file has {size} bytes; nothing begins at {offset}."""

    reason = "FILE_RANGE_OUTSIDE"

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(offset=str(offset), size=str(size))


class DiskFull(LimitExceeded):
    """The disk has no room for {path}; everything is as it was."""

    reason = "DISK_FULL"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileAccessDenied(PermissionDenied):
    """The permissions of {path}, or of its directory, forbid it."""

    reason = "FILE_ACCESS_DENIED"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN])


class FileFailed(WrongState):
    """The file system refuses {path}: {cause}."""

    reason = "FILE_FAILED"

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(path=path[:_SHOWN], cause=cause)


class WatchLimitReached(LimitExceeded):
    """Too many directories, or too many watches at once, to watch {path}; watch a smaller part."""

    reason = "WATCH_LIMIT_REACHED"

    def __init__(self, path: str) -> None:
        super().__init__(path=path[:_SHOWN] or ".")


class SearchFailed(WrongState):
    """The search fails: {cause}."""

    reason = "SEARCH_FAILED"

    def __init__(self, cause: str) -> None:
        super().__init__(cause=cause)


class ArchiveRefused(InvalidArgument):
    """Nothing was unpacked, because of {entry}: {cause}."""

    reason = "ARCHIVE_REFUSED"

    def __init__(self, entry: str, cause: str) -> None:
        super().__init__(entry=entry[:_SHOWN], cause=cause)


class CopyTooLarge(InvalidArgument):
    """{path} has more than {limit} entries, the most that is copied at once."""

    reason = "COPY_TOO_LARGE"

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path=path[:_SHOWN], limit=str(limit))


_KINDS = {
    errno.ENOENT: FileNotFound,
    errno.EXDEV: PathOutsideWorkspace,  # what openat2 says of a path that leads out
    errno.ELOOP: PathOutsideWorkspace,  # links in a circle lead nowhere, links of /proc lead anywhere
    errno.ENOTDIR: NotADirectory,
    errno.EEXIST: FileAlreadyExists,
    errno.ENOTEMPTY: DirectoryNotEmpty,
    errno.EACCES: FileAccessDenied,
    errno.EPERM: FileAccessDenied,
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
}


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turn what the file system says into what callers are told about a path."""
    try:
        yield
    except OSError as error:
        raise _refusal(error, path) from error


def _refusal(error: OSError, path: str) -> DomainError:
    kind = _KINDS.get(error.errno or 0)
    return kind(path) if kind else FileFailed(path, os.strerror(error.errno or errno.EIO))
