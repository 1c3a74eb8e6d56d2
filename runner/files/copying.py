"""Copying an entry: its copy is put together beside the workspace, and moves to its place in one step."""

import asyncio
import os
import posixpath
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as pb

from runner.files import beneath, entry, paths
from runner.files.errors import CopyTooLarge, FileTooLarge, NotARegularFile, refusing
from runner.files.packing import Member, members
from runner.files.reading import CHUNK
from runner.files.writing import Writing, expect_etag

ENTRIES = 100_000
"""Entries of one copy, as of an archive."""

_COPY = "copy"
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Copying:
    """Copies within one workspace."""

    writing: Writing

    async def copy(self, request: pb.CopyFileRequest) -> File:
        """Copy an entry.

        Raises:
            FileAlreadyExists, FileNameClashes, ProtectedPath: it may not be where the copy is to be.
            EtagMismatch, FileChanged: it is another one than the caller knows, or becomes one meanwhile.
            NotARegularFile, FileTooLarge, CopyTooLarge, DiskFull: as the names say.
        """
        source = paths.parse_to_change(request.path)
        target = paths.parse_to_change(request.new_path, "new_path")
        return await asyncio.to_thread(self._copy, request, source, target)

    def _copy(self, request: pb.CopyFileRequest, source: Sequence[str], target: Sequence[str]) -> File:
        writing = self.writing
        writing.expect_place(request.new_path, target, overwrite=request.overwrite)
        with (
            refusing(request.path),
            beneath.opened_beneath(writing.folder, source, beneath.PLACE) as place,
            writing.staging.directory() as tree,
            beneath.descriptor(os.open(writing.staging.folder / tree, beneath.DIRECTORY | os.O_CLOEXEC)) as top,
        ):
            found = os.fstat(place)
            expect_etag(request.etag, found)
            if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
                raise NotARegularFile(request.path, entry.kind_name(found))
            _Copy(top, writing.limit).fill(Member(_COPY, found, place, request.path))
            return writing.place(_COPY, top, request.new_path, target, overwrite=request.overwrite)


class _Copy:
    """A copy that is being put together in an open directory of ours."""

    def __init__(self, top: int, limit: int) -> None:
        self._top = top
        self._limit = limit
        self._size = 0
        self._modes: list[tuple[str, int]] = []

    def fill(self, whole: Member) -> None:
        """Copy an entry with all that is in it; modes of directories come last, because some refuse what is new."""
        self._add(_COPY, whole)
        if whole.is_directory:
            with beneath.descriptor(beneath.reopen(whole.place, beneath.DIRECTORY)) as source:
                for count, member in enumerate(members(source, whole.whole_path), start=2):
                    if count > ENTRIES:
                        raise CopyTooLarge(whole.whole_path, ENTRIES)
                    self._add(f"{_COPY}/{member.path}", member)
        for path, mode in reversed(self._modes):
            with beneath.descriptor(beneath.open_beneath(self._top, path, beneath.DIRECTORY)) as made:
                os.fchmod(made, mode)
                os.fsync(made)

    def _add(self, path: str, member: Member) -> None:
        above, name = posixpath.split(path)
        with beneath.descriptor(beneath.open_beneath(self._top, above, beneath.DIRECTORY)) as folder:
            if member.is_directory:
                os.mkdir(name, 0o700, dir_fd=folder)
                self._modes.append((path, member.found.st_mode & 0o777))
            elif member.is_link:
                os.symlink(member.link_target, name, dir_fd=folder)
            else:
                self._add_file(name, folder, member)

    def _add_file(self, name: str, folder: int, member: Member) -> None:
        self._size += member.found.st_size
        if self._size > self._limit:
            raise FileTooLarge(self._limit)
        with member.content() as content, os.fdopen(os.open(name, _FILE, 0o600, dir_fd=folder), "wb") as made:
            shutil.copyfileobj(content, made, CHUNK)
            made.flush()
            os.fchmod(made.fileno(), member.found.st_mode & 0o777)
            os.fsync(made.fileno())
