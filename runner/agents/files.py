"""Files that an agent asks us to read or write: beneath the workspace, whatever links its programs have made there."""

import ctypes
import os
import secrets
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath

MAXIMUM_FILE = 2 * 1024 * 1024
"""Bytes of a file that is read or written for an agent; larger ones it reads with its own hands."""

_OPENAT2 = 437
_HOW = struct.Struct("QQQ")  # flags, mode, resolve
_RESOLVE_NO_MAGICLINKS, _RESOLVE_BENEATH = 0x02, 0x08
_LIBC = ctypes.CDLL(None, use_errno=True)


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
        folder = _folder(files, relative.parent)
        try:
            _replace(folder, relative.name, data)
        finally:
            os.close(folder)
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


def _folder(files: Path, relative: PurePosixPath) -> int:
    """Open a folder beneath the workspace, made where it is missing."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    for part in (*reversed(relative.parents), relative):
        if part != PurePosixPath():
            above = _open(files, part.parent, flags)
            try:
                with suppress(FileExistsError):
                    os.mkdir(part.name, dir_fd=above)
            finally:
                os.close(above)
    return _open(files, relative, flags)


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
    root = os.open(files, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        how = _HOW.pack(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
        opened: int = _LIBC.syscall(_OPENAT2, root, os.fsencode(relative), how, len(how))
        if opened < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return opened
    finally:
        os.close(root)


@contextmanager
def _reasons(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise FileRefused(f"{path[:200]}: {cause}") from error  # noqa: EM102  # as above
