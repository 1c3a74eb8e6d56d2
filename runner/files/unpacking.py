"""An archive into the workspace: unpacked beside it, held against every rule, and moved in as a whole."""

import asyncio
import gzip
import io
import os
import posixpath
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO, Any

from stateroom.file.v1.file_pb2 import ArchiveFormat
from stateroom.runner.v1 import file_service_pb2 as pb
from typing_extensions import override

from chassis.errors import InvalidField
from runner.files import beneath, paths
from runner.files.errors import ArchiveRefused, FileNameClashes, FileTooLarge, refusing
from runner.files.reading import CHUNK
from runner.files.writing import Writing, collect

ENTRIES = 100_000
"""Entries of the longest archive."""
LIMIT = 4 << 30
"""Bytes of the largest archive, and of all that comes out of one."""

_AT_ONCE = 8 << 20
"""Bytes that an archive's own structure may ask for at once: a lie about them must not fill the memory."""

_TARGET = 4096  # bytes of a link's target

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, ValueError)
"""What the readers of archives raise for bytes that are none."""


class Kind(Enum):
    """What an archive's entry becomes."""

    FILE = auto()
    DIRECTORY = auto()
    LINK = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an archive: `content` is that of a file, `target` where a link points to."""

    name: str
    kind: Kind
    size: int = 0
    mode: int = 0o644
    target: str = ""
    content: IO[bytes] | None = None


async def unpack(
    writing: Writing, first: pb.UploadFilesRequest, rest: AsyncIterator[pb.UploadFilesRequest]
) -> pb.UploadFilesResponse:
    """Unpack an archive from all data that comes beneath a directory.

    Raises:
        ArchiveRefused: it is broken, or holds what is not unpacked.
        FileTooLarge: it, or what comes out of it, is too large.
        FileAlreadyExists: what it holds at its top is there already.
        ProtectedPath, FileNameClashes, DiskFull: as the names say.
    """
    parts = paths.parse_to_change(first.path) if first.path else []
    staging = writing.staging
    with refusing(first.path), staging.file() as (_, archive), staging.directory() as tree:
        await collect(archive, first.data, (message.data async for message in rest), LIMIT)
        unpacking = Unpacking(staging.folder / tree)
        await asyncio.to_thread(unpacking.run, archive, first.format)
        await asyncio.to_thread(writing.move_in, tree, parts)
        return pb.UploadFilesResponse(file_count=unpacking.files, size_bytes=unpacking.size)


class Unpacking:
    """Unpacks into a new directory of ours, and counts what comes out."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._entries = 0
        self._links: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self.files = 0
        self.size = 0

    def run(self, archive: int, form: ArchiveFormat.ValueType) -> None:
        """Unpack an open archive. ArchiveRefused, FileTooLarge, ProtectedPath, OSError."""
        try:
            with os.fdopen(os.dup(archive), "rb") as file:
                file.seek(0)
                for entry in _zip(file) if form == ArchiveFormat.ZIP else _tar(file, form):
                    self._add(entry)
        except _BROKEN as error:
            what, cause = "the archive as a whole", f"it is broken, or of another form: {str(error)[:100]}"
            raise ArchiveRefused(what, cause) from error
        self._check_links()

    def _add(self, entry: Entry) -> None:
        self._entries += 1
        if self._entries > ENTRIES:
            raise ArchiveRefused(entry.name, f"there are more than {ENTRIES} entries")
        parts = _parts(entry.name)
        if not parts:
            return  # the archive's name for its own top
        self._expect_no_clash(parts)
        try:
            with self._parent(parts) as folder:
                self._make(entry, parts, folder)
        except (FileExistsError, NotADirectoryError) as error:
            cause = "an entry before it has this name, or stands where it needs a directory"
            raise ArchiveRefused(entry.name, cause) from error

    def _expect_no_clash(self, parts: list[str]) -> None:
        """Raise FileNameClashes for a path that differs from one before it by case or Unicode form only."""
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            other = self._names.setdefault(paths.folded(path), path)
            if other != path:
                raise FileNameClashes(path, other)

    def _make(self, entry: Entry, parts: list[str], folder: int) -> None:
        if entry.kind is Kind.DIRECTORY:
            with beneath.descriptor(_enter(parts[-1], folder)):
                return
        self.files += 1
        if entry.kind is Kind.LINK:
            self._links[entry.name] = parts
            _expect_inside(entry, parts)
            os.symlink(entry.target, parts[-1], dir_fd=folder)
            return
        if entry.size < 0 or self.size + entry.size > LIMIT:
            raise FileTooLarge(LIMIT)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(parts[-1], flags, 0o600, dir_fd=folder), "wb") as file:
            os.fchmod(file.fileno(), entry.mode & 0o755 | 0o600)
            while entry.content is not None and (data := entry.content.read(CHUNK)):
                self.size += len(data)
                if self.size > LIMIT:
                    raise FileTooLarge(LIMIT)
                file.write(data)

    @contextmanager
    def _parent(self, parts: list[str]) -> Iterator[int]:
        """Open the directory of an entry, made where it is missing; no link of the archive is followed."""
        with ExitStack() as stack:
            folder = stack.enter_context(beneath.descriptor(os.open(self._tree, beneath.DIRECTORY | os.O_CLOEXEC)))
            for part in parts[:-1]:
                folder = stack.enter_context(beneath.descriptor(_enter(part, folder)))
            yield folder

    def _check_links(self) -> None:
        """Have the kernel follow every link: together, links lead where none of them says."""
        with beneath.descriptor(os.open(self._tree, os.O_PATH | os.O_CLOEXEC)) as tree:
            for name, parts in self._links.items():
                try:
                    os.close(beneath.open_beneath(tree, "/".join(parts), os.O_PATH))
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise ArchiveRefused(name, _LEADS_OUT) from error


_LEADS_OUT = "it is a link that leads out of the archive, or nowhere"


def _parts(name: str) -> list[str]:
    plain = posixpath.normpath(name) if name.startswith("./") else name
    if plain in {".", "./"}:
        return []
    try:
        return paths.parse_to_change(plain)
    except InvalidField as error:
        raise ArchiveRefused(paths.shown(name), error.violations[0].description) from error


def _enter(name: str, folder: int) -> int:
    """Open a directory, made if nothing is there. NotADirectoryError, also for a link to one."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    try:
        opened = os.open(name, beneath.DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise NotADirectoryError(name) from error
    os.fchmod(opened, 0o755)
    return opened


def _expect_inside(entry: Entry, parts: list[str]) -> None:
    """Refuse a link that says itself that it leads out, be there anything yet or not."""
    target = posixpath.normpath(posixpath.join(*parts[:-1], entry.target))
    if entry.target.startswith("/") or not entry.target or target.split("/")[0] == "..":
        raise ArchiveRefused(entry.name, _LEADS_OUT)


class _Careful(io.RawIOBase):
    """A file of which not everything is read at once, whatever an archive says about the length of its parts."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file

    @override
    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_AT_ONCE + 1 if size < 0 else size) if size <= _AT_ONCE else None
        if data is None or len(data) > _AT_ONCE:
            what, cause = "the archive as a whole", "its list of entries, or one of its heads, is too long"
            raise ArchiveRefused(what, cause)
        return data

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._file.tell()

    @override
    def seekable(self) -> bool:
        return True

    @override
    def readable(self) -> bool:
        return True


def _tar(file: IO[bytes], form: ArchiveFormat.ValueType) -> Iterator[Entry]:
    source: Any = gzip.GzipFile(fileobj=file, mode="rb") if form == ArchiveFormat.TAR_GZ else file
    with tarfile.open(fileobj=_Careful(source), mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # untyped, and it would remember them all
            if member.isdir():
                yield Entry(member.name, Kind.DIRECTORY)
            elif member.issym():
                yield Entry(member.name, Kind.LINK, target=member.linkname)
            elif member.isreg() and not member.issparse():
                content = archive.extractfile(member)
                yield Entry(member.name, Kind.FILE, member.size, member.mode, content=content)
            else:
                raise ArchiveRefused(member.name, "it is a hard link, a device, a pipe or a sparse file")


def _zip(file: IO[bytes]) -> Iterator[Entry]:
    source: Any = _Careful(file)
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ArchiveRefused(info.filename, "it is encrypted, or compressed by other means than deflate")
            if info.is_dir():
                yield Entry(info.filename, Kind.DIRECTORY)
            elif kind == stat.S_IFLNK:
                with archive.open(info) as content:
                    yield Entry(info.filename, Kind.LINK, target=os.fsdecode(content.read(_TARGET)))
            elif kind in {0, stat.S_IFREG}:
                with archive.open(info) as content:
                    yield Entry(info.filename, Kind.FILE, info.file_size, mode or 0o644, content=content)
            else:
                raise ArchiveRefused(info.filename, "it is a device, a pipe or a socket")
