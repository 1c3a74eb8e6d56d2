"""Changing files: each change is one step, after which it is on the disk, and before which nothing is seen of it."""

import asyncio
import errno
import os
import stat
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import EtagMismatch
from runner.files import beneath, entry, paths
from runner.files.errors import DirectoryNotEmpty, FileAlreadyExists, FileTooLarge, NotARegularFile, refusing
from runner.files.staging import Staging

LIMIT = 4 << 30
"""Bytes of the largest file that is taken."""

_FILE_MODE, _DIRECTORY_MODE = 0o644, 0o755
"""What the shells of a room give to new entries."""

_ANY = ("", "*")


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes beneath one folder.

    Callers exclude each other between their look at an entry and its change; a shell in the room knows no lock, and may
    come in between.
    """

    folder: Path
    staging: Staging
    limit: int = LIMIT
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def write(self, first: pb.WriteFileRequest, rest: AsyncIterator[pb.WriteFileRequest]) -> File:
        """Write a file from all data that comes.

        Raises:
            FileTooLarge: there is too much of it.
            EtagMismatch: it is not the version that the caller knows.
            FileAlreadyExists: it was to be absent.
            NotARegularFile, FileNameClashes, ProtectedPath, DiskFull: as the names say.
        """
        path, parts = first.path, paths.parse_to_change(first.path)
        await asyncio.to_thread(self._expect, first, parts)
        with refusing(path), self.staging.file() as (name, opened):
            await collect(opened, first.data, (message.data async for message in rest), self.limit)
            await asyncio.to_thread(os.fsync, opened)  # before others wait for us
            return await asyncio.to_thread(self._put, first, parts, name, opened)

    async def move(self, request: pb.MoveFileRequest) -> File:
        """Give an entry another path. FileAlreadyExists, FileNameClashes, EtagMismatch, ProtectedPath."""
        source, target = paths.parse_to_change(request.path), paths.parse_to_change(request.new_path, "new_path")
        return await asyncio.to_thread(self._move, request, source, target)

    async def make_directory(self, path: str) -> File:
        """Make a directory and those above it. FileAlreadyExists where a name is that of something else."""
        return await asyncio.to_thread(self._make_directories, path, paths.parse_to_change(path))

    async def delete(self, request: pb.DeleteFileRequest) -> None:
        """Delete an entry. DirectoryNotEmpty, EtagMismatch, ProtectedPath."""
        await asyncio.to_thread(self._delete, request, paths.parse_to_change(request.path))

    def move_in(self, tree: str, parts: Sequence[str]) -> None:
        """Move a staged directory to where nothing is, or all that is in it into the directory that is there.

        Raises:
            FileAlreadyExists, FileNameClashes: something there has a name that is needed; nothing was moved.
        """
        with self._lock, self.staging.opened() as staging:
            if parts and self._is_absent(parts):
                with beneath.directory_to_change(self.folder, parts[:-1]) as folder:
                    paths.expect_no_clash(parts[:-1], parts[-1:], beneath.names(folder))
                    (self.staging.folder / tree).chmod(_DIRECTORY_MODE)
                    beneath.rename_to_nothing(tree, staging, parts[-1], folder)
                    os.fsync(folder)
                return
            with (
                beneath.directory_to_change(self.folder, parts) as folder,
                beneath.descriptor(os.open(tree, beneath.DIRECTORY, dir_fd=staging)) as source,
            ):
                _move_all(parts, source, folder)

    def expect_place(self, path: str, parts: Sequence[str], *, overwrite: bool) -> None:
        """Refuse before anything is copied what would be refused after it."""
        with refusing(path), beneath.directory_to_change(self.folder, parts[:-1]) as folder:
            _is_taken(path, parts, folder, overwrite=overwrite)

    def place(self, staged: str, staging: int, path: str, parts: Sequence[str], *, overwrite: bool) -> File:
        """Move a staged entry to where nothing is or, if that is wanted, a file to where one is.

        Raises:
            FileAlreadyExists, FileNameClashes: something else is there, or something of almost that name.
        """
        with self._lock, refusing(path), beneath.directory_to_change(self.folder, parts[:-1]) as folder:
            is_file = stat.S_ISREG(os.stat(staged, dir_fd=staging, follow_symlinks=False).st_mode)
            if _is_taken(path, parts, folder, overwrite=overwrite and is_file):
                os.rename(staged, parts[-1], src_dir_fd=staging, dst_dir_fd=folder)
            else:
                beneath.rename_to_nothing(staged, staging, parts[-1], folder)
            os.fsync(folder)
            return entry.look(parts, folder)

    def _is_absent(self, parts: Sequence[str]) -> bool:
        try:
            with beneath.opened_beneath(self.folder, parts, os.O_PATH):
                return False
        except FileNotFoundError:
            return True

    def _expect(self, request: pb.WriteFileRequest, parts: Sequence[str]) -> None:
        """Refuse before any content comes what would be refused after it."""
        above = "/".join(parts[:-1])
        with refusing(above), beneath.directory_to_change(self.folder, parts[:-1]) as folder:
            _check(request, parts, folder)

    def _put(self, request: pb.WriteFileRequest, parts: Sequence[str], staged: str, opened: int) -> File:
        with (
            self._lock,
            refusing(request.path),
            beneath.directory_to_change(self.folder, parts[:-1]) as folder,
            self.staging.opened() as staging,
        ):
            present = _check(request, parts, folder)
            os.fchmod(opened, present.st_mode & 0o777 if present else _FILE_MODE)
            os.fsync(opened)
            if present:
                os.rename(staged, parts[-1], src_dir_fd=staging, dst_dir_fd=folder)
            else:
                beneath.rename_to_nothing(staged, staging, parts[-1], folder)
            os.fsync(folder)
            return entry.describe("/".join(parts), os.fstat(opened))

    def _move(self, request: pb.MoveFileRequest, source: Sequence[str], target: Sequence[str]) -> File:
        with (
            self._lock,
            refusing(request.path),
            beneath.directory_to_change(self.folder, source[:-1]) as source_folder,
        ):
            found = os.stat(source[-1], dir_fd=source_folder, follow_symlinks=False)
            expect_etag(request.etag, found)
            with refusing(request.new_path), beneath.directory_to_change(self.folder, target[:-1]) as target_folder:
                siblings = set(beneath.names(target_folder))
                if os.path.samestat(os.fstat(source_folder), os.fstat(target_folder)):
                    siblings.discard(source[-1])
                paths.expect_no_clash(target[:-1], target[-1:], siblings)
                beneath.rename_to_nothing(source[-1], source_folder, target[-1], target_folder)
                os.fsync(target_folder)
                os.fsync(source_folder)
                return entry.look(target, target_folder)

    def _make_directories(self, path: str, parts: Sequence[str]) -> File:
        with self._lock, refusing(path):
            for depth in range(1, len(parts) + 1):
                with beneath.directory_to_change(self.folder, parts[: depth - 1]) as folder:
                    make_directory(parts[:depth], folder)
            with beneath.opened_beneath(self.folder, parts, beneath.DIRECTORY) as opened:
                return entry.describe("/".join(parts), os.fstat(opened))

    def _delete(self, request: pb.DeleteFileRequest, parts: Sequence[str]) -> None:
        with self._lock, refusing(request.path), beneath.directory_to_change(self.folder, parts[:-1]) as folder:
            found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            expect_etag(request.etag, found)
            taken = ""
            if not stat.S_ISDIR(found.st_mode):
                os.unlink(parts[-1], dir_fd=folder)
            elif request.recursive:
                taken = self.staging.take(parts[-1], folder)
            else:
                _remove_empty(request.path, parts[-1], folder)
            os.fsync(folder)
        if taken:
            self.staging.remove(taken)


async def collect(opened: int, first: bytes, rest: AsyncIterator[bytes], limit: int) -> int:
    """Write all data into a file of ours and return how many bytes that is. FileTooLarge, OSError."""
    size = await asyncio.to_thread(_append, opened, first)
    async for data in rest:
        size += await asyncio.to_thread(_append, opened, data)
        if size > limit:
            raise FileTooLarge(limit)
    return size


def make_directory(parts: Sequence[str], folder: int) -> None:
    """Make the last of `parts` in an open directory unless there is such a directory.

    Raises:
        FileAlreadyExists: there is something else.
        FileNameClashes: as the name says.
    """
    name = parts[-1]
    try:
        found = os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        paths.expect_no_clash(parts[:-1], parts[-1:], beneath.names(folder))
        os.mkdir(name, 0o700, dir_fd=folder)
        with beneath.descriptor(os.open(name, beneath.DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)) as made:
            os.fchmod(made, _DIRECTORY_MODE)
        os.fsync(folder)
        return
    if not stat.S_ISDIR(found.st_mode):
        raise FileAlreadyExists("/".join(parts))


def _move_all(parts: Sequence[str], source: int, folder: int) -> None:
    """Move all of one directory into another, or nothing."""
    names, present = beneath.names(source), set(beneath.names(folder))
    if taken := present.intersection(names):
        raise FileAlreadyExists("/".join((*parts, min(taken))))
    paths.expect_no_clash(parts, names, present)
    moved: list[str] = []
    try:
        for name in names:
            beneath.rename_to_nothing(name, source, name, folder)
            moved.append(name)
    except OSError:
        for name in moved:
            beneath.rename_to_nothing(name, folder, name, source)
        raise
    os.fsync(folder)


def _append(opened: int, data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(opened, rest) :]
    return len(data)


def _check(request: pb.WriteFileRequest, parts: Sequence[str], folder: int) -> os.stat_result | None:
    """Return what is at the place now, None for nothing; raise when the caller means something else."""
    name = parts[-1]
    try:
        present = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        if request.etag not in _ANY:
            raise EtagMismatch(request.etag) from None
        paths.expect_no_clash(parts[:-1], parts[-1:], beneath.names(folder))
        return None
    if request.if_absent:
        raise FileAlreadyExists(request.path)
    if not stat.S_ISREG(present.st_mode):
        raise NotARegularFile(request.path, entry.kind_name(present))
    expect_etag(request.etag, present)
    return present


def _is_taken(path: str, parts: Sequence[str], folder: int, *, overwrite: bool) -> bool:
    """Return whether a file is at a place and may be replaced. FileAlreadyExists, FileNameClashes."""
    try:
        present = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        paths.expect_no_clash(parts[:-1], parts[-1:], beneath.names(folder))
        return False
    if not (overwrite and stat.S_ISREG(present.st_mode)):
        raise FileAlreadyExists(path)
    return True


def expect_etag(wanted: str, found: os.stat_result) -> None:
    """Raise EtagMismatch unless an entry is the version that a caller knows, or any will do."""
    if wanted not in _ANY and wanted != entry.etag(found):
        raise EtagMismatch(wanted, current=entry.etag(found))


def _remove_empty(path: str, name: str, folder: int) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise DirectoryNotEmpty(path) from error
        raise
