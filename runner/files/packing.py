"""A directory as an archive, made while it is sent: nothing of it is kept on disk or in memory."""

import asyncio
import io
import os
import shutil
import stat
import tarfile
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from stateroom.file.v1.file_pb2 import ArchiveFormat
from typing_extensions import override

from runner.files import beneath, paths
from runner.files.errors import FileChanged, refusing
from runner.files.reading import CHUNK, open_regular

_ZIP_TIMES = range(315_532_800, 4_354_819_198)
"""Seconds since 1970 of the years 1980 to 2107, all that a zip knows."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry on its way into an archive: `path` is its name in there, `place` is open, `whole_path` is for people."""

    path: str
    found: os.stat_result
    place: int
    whole_path: str

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.found.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.found.st_mode)

    @property
    def link_target(self) -> str:
        """Where a link points to."""
        return os.readlink("", dir_fd=self.place)

    def content(self) -> "_Content":
        """Return the content of a file, to be closed."""
        return _Content(open_regular(self.whole_path, self.place), self.found.st_size, self.whole_path)


class _Content(io.RawIOBase):
    """As many bytes of a file as it had; FileChanged when it has become shorter."""

    def __init__(self, opened: int, size: int, path: str) -> None:
        super().__init__()
        self._opened = opened
        self._left = size
        self._path = path

    @override
    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = os.read(self._opened, wanted) if wanted else b""
        if wanted and not data:
            raise FileChanged(self._path)
        self._left -= len(data)
        return data

    @override
    def close(self) -> None:
        if not self.closed:
            os.close(self._opened)
        super().close()


Add: TypeAlias = Callable[[Member], None]


async def pack(folder: Path, path: str, form: ArchiveFormat.ValueType) -> AsyncIterator[bytes]:
    """Yield an archive, nothing first, which says that there is such a directory.

    Raises:
        NotADirectory: there is something else.
        FileChanged: a file became shorter while it was read.
    """
    parts = paths.parse(path)
    with refusing(path), beneath.opened_beneath(folder, parts, beneath.DIRECTORY) as top:
        yield b""
        source, sink = os.pipe()
        reader = asyncio.StreamReader(limit=CHUNK)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0)
        )
        writing = asyncio.get_running_loop().run_in_executor(None, _write, top, path, form, sink)
        try:
            while data := await reader.read(CHUNK):
                yield data
            await writing
        finally:
            transport.close()  # which ends the writer, should it not have ended
            await asyncio.wait([writing])


def _write(top: int, path: str, form: ArchiveFormat.ValueType, sink: int) -> None:
    """Write the archive into a pipe. FileChanged, OSError."""
    with ExitStack() as stack:
        stack.enter_context(suppress(BrokenPipeError))  # nobody reads any more
        file = stack.enter_context(os.fdopen(sink, "wb", buffering=CHUNK))
        add = _zip(stack, file) if form == ArchiveFormat.ZIP else _tar(stack, file, form)
        for member in members(top, path):
            add(member)


def members(top: int, path: str) -> Iterator[Member]:
    """Yield what a directory holds, directories before what is in them. What is gone meanwhile is passed over."""
    todo = [""]
    while todo:
        directory = todo.pop()
        with suppress(FileNotFoundError), beneath.descriptor(_open(top, directory)) as opened:
            for name in sorted(set(beneath.names(opened)) - {paths.GIT}):
                inner = f"{directory}/{name}" if directory else name
                with (
                    suppress(FileNotFoundError),
                    beneath.descriptor(os.open(name, beneath.PLACE | os.O_CLOEXEC, dir_fd=opened)) as place,
                ):
                    member = Member(inner, os.fstat(place), place, f"{path}/{inner}".removeprefix("/"))
                    if member.is_directory:
                        todo.append(inner)
                    if member.is_directory or member.is_link or stat.S_ISREG(member.found.st_mode):
                        yield member


def _open(top: int, directory: str) -> int:
    return beneath.open_beneath(top, directory, beneath.DIRECTORY | os.O_NOFOLLOW)


def _tar(stack: ExitStack, file: BinaryIO, form: ArchiveFormat.ValueType) -> Add:
    mode: Any = "w|gz" if form == ArchiveFormat.TAR_GZ else "w|"
    archive = stack.enter_context(tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT))  # noqa: SIM115  # it is one

    def add(member: Member) -> None:
        info = tarfile.TarInfo(member.path)
        info.mode, info.mtime = stat.S_IMODE(member.found.st_mode), int(member.found.st_mtime)
        if member.is_directory:
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        elif member.is_link:
            info.type, info.linkname = tarfile.SYMTYPE, member.link_target
            archive.addfile(info)
        else:
            info.size = member.found.st_size
            with member.content() as content:
                archive.addfile(info, content)

    return add


def _zip(stack: ExitStack, file: BinaryIO) -> Add:
    archive = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1))

    def add(member: Member) -> None:
        changed = min(max(int(member.found.st_mtime), _ZIP_TIMES.start), _ZIP_TIMES.stop)
        name = paths.shown(member.path) + ("/" if member.is_directory else "")
        info = zipfile.ZipInfo(name, time.gmtime(changed)[:6])
        info.external_attr = member.found.st_mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        if member.is_directory:
            archive.writestr(info, b"")
        elif member.is_link:
            archive.writestr(info, os.fsencode(member.link_target))
        else:
            with member.content() as content, archive.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(content, target, CHUNK)

    return add
