"""Files that an agent asks us to read or write: beneath the workspace, whatever links its programs have made there."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath

from chassis.errors import DomainError
from runner.files import beneath
from runner.files.errors import ProtectedPath
from runner.files.paths import GIT

MAXIMUM_FILE = 2 * 1024 * 1024
"""Bytes of a file that is read or written for an agent; larger ones it reads with its own hands."""


class FileRefused(Exception):
    """The file cannot be read or written; the text says why, for the agent and for people."""


def read(files: Path, path: str, line: int | None, limit: int | None) -> str:
    """Return a file's text, from a line on (the first is 1) and at most so many lines. FileRefused."""
    with _reasons(path):
        descriptor = _open(files, _relative(files, path), os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8", errors="replace", newline="") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise FileRefused(f"{path} is no file")  # noqa: EM102  # short, and the class has no text of its own
            if found.st_size > MAXIMUM_FILE:
                raise FileRefused(f"{path} has more than {MAXIMUM_FILE >> 20} MiB")  # noqa: EM102  # as above
            first = max((line or 1) - 1, 0)
            return "".join(islice(file, first, None if limit is None else first + max(limit, 0)))


def write(files: Path, path: str, content: str) -> int:
    """Replace a file whole, or make it with the folders it needs. Returns its bytes. FileRefused."""
    data = content.encode("utf-8", "replace")
    if len(data) > MAXIMUM_FILE:
        raise FileRefused(f"{path} would have more than {MAXIMUM_FILE >> 20} MiB")  # noqa: EM102  # as above
    with _reasons(path):
        relative = _relative(files, path)
        for part in reversed(relative.parents):
            if part != PurePosixPath():
                with _changing(files, part) as above, suppress(FileExistsError):
                    os.mkdir(part.name, dir_fd=above)
        with _changing(files, relative) as folder:
            _replace(folder, relative.name, data)
    return len(data)


def _replace(folder: int, name: str, data: bytes) -> None:
    fresh = f".{name[:200]}.{secrets.token_hex(4)}"
    descriptor = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666, dir_fd=folder
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(OSError):  # a new one has the mode that everybody's new files have
                os.fchmod(descriptor, stat.S_IMODE(os.stat(name, dir_fd=folder).st_mode))
            file.write(data)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=folder)
        raise


@contextmanager
def _changing(files: Path, relative: PurePosixPath) -> Iterator[int]:
    """Open the folder of an entry that is made or replaced. ProtectedPath for git's own."""
    if relative.name == GIT:
        raise ProtectedPath(str(relative))
    with beneath.directory_to_change(files, relative.parent.parts) as folder:
        yield folder


def _relative(files: Path, path: str) -> PurePosixPath:
    """Return a path relative to the workspace. The kernel sees to what `..` and links in it mean."""
    wanted = PurePosixPath(path)
    if not wanted.is_absolute():
        return wanted
    if not wanted.is_relative_to(files):
        raise FileRefused(f"{path} is not in the workspace")  # noqa: EM102  # as above
    return wanted.relative_to(files)


def _open(files: Path, relative: PurePosixPath, flags: int) -> int:
    """Open what lies beneath the workspace, by a path that nobody can lead out of it."""
    with beneath.descriptor(os.open(files, beneath.PLACE | os.O_DIRECTORY)) as root:
        return beneath.open_beneath(root, str(relative), flags)


@contextmanager
def _reasons(path: str) -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise FileRefused(error.message) from error
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise FileRefused(f"{path[:200]}: {cause}") from error  # noqa: EM102  # as above
