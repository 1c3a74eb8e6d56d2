"""The files beneath a folder, reached by name alone: no link is followed, and nothing outside can be meant."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from runner.inside.report import Refused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EXECUTABLE = 0o111
_LINKS = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO}
LIMIT = 16 * 1024 * 1024
"""Bytes of a file that is edited: it is held in memory, once as it was and once as it becomes."""


@dataclass(frozen=True, slots=True)
class File:
    """What stands in a file, and whether it can be run."""

    content: bytes
    executable: bool = False


def check(path: str) -> str:
    """Return a path that lies beneath the workspace and outside `.git`. PATH_NOT_ALLOWED."""
    parts = path.split("/")
    if not all(parts) or "\0" in path or any(part in {".", ".."} or part.lower() == ".git" for part in parts):
        reason = "PATH_NOT_ALLOWED"
        raise Refused(reason, f"{path!r} is no path beneath the workspace and outside .git", path=path)
    return path


class Tree:
    """The files beneath a folder. Every path was checked."""

    def __init__(self, root: str, mark: str = "edit") -> None:
        """Open the folder. `mark` tells what writes there from all others that do so at the same time."""
        self._root = os.open(root, _FOLDER)
        self._fresh = f".stateroom-{mark}.new"

    def read(self, path: str) -> File | None:
        """Return a file; None when there is none. FILE_NOT_EDITABLE."""
        try:
            with self._folder(path) as (folder, name):
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            known = error.errno in _LINKS
            why = "is no regular file" if known else (error.strerror or "cannot be read").lower()
            raise not_editable(path, why) from error
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise not_editable(path, "is no regular file")
            if facts.st_size > LIMIT:
                raise not_editable(path, f"is larger than {LIMIT // 1024 // 1024} MiB")
            with os.fdopen(os.dup(descriptor), "rb") as file:
                return File(file.read(LIMIT), bool(facts.st_mode & _EXECUTABLE))
        finally:
            os.close(descriptor)

    def write(self, path: str, file: File | None) -> None:
        """Put a file in place, in one step; None removes it. OSError."""
        if file is None:
            self._remove(path)
            return
        with self._folder(path, make=True) as (folder, name):
            mode = 0o755 if file.executable else 0o644
            with suppress(FileNotFoundError):
                there = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
                mode = there if bool(there & _EXECUTABLE) == file.executable else mode
            with suppress(FileNotFoundError):  # of one that was killed while it wrote, and is followed by this one
                os.unlink(self._fresh, dir_fd=folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(self._fresh, flags, dir_fd=folder), "wb") as to:
                try:
                    to.write(file.content)
                    to.flush()
                    os.fchmod(to.fileno(), mode)
                    os.rename(self._fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    os.unlink(self._fresh, dir_fd=folder)
                    raise

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError), self._folder(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    @contextmanager
    def _folder(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        *folders, name = path.split("/")
        inner = os.dup(self._root)
        try:
            for folder in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o755, dir_fd=inner)
                outer, inner = inner, os.open(folder, _FOLDER, dir_fd=inner)
                os.close(outer)
            yield inner, name
        finally:
            os.close(inner)


def not_editable(path: str, why: str) -> Refused:
    """Return the refusal of a path that is not what it should be."""
    reason = "FILE_NOT_EDITABLE"
    return Refused(reason, f"{path}: it, or a folder it is in, {why}", path=path)
