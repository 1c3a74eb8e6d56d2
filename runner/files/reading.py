"""Looking at files: directories page by page, and content as it was when it was opened."""

import asyncio
import heapq
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as pb

from runner.files import beneath, entry, paths
from runner.files.errors import FileChanged, FileRangeOutside, NotARegularFile, refusing

CHUNK = 256 * 1024
"""Bytes read at once, and in one message."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads beneath one folder. Everything that waits for the disk runs in threads."""

    folder: Path

    async def look(self, path: str) -> File:
        """Return an entry."""
        return await asyncio.to_thread(self._look, path, paths.parse(path))

    async def list(self, path: str, after: bytes, limit: int) -> pb.ListFilesResponse:
        """Return a page of a directory, which is read to its end for each of them."""
        return await asyncio.to_thread(self._list, path, paths.parse(path), after, limit)

    async def read(self, request: pb.ReadFileRequest) -> AsyncIterator[pb.ReadFileResponse]:
        """Yield the file, then its content.

        Raises:
            FileRangeOutside: the range begins behind the end.
            FileChanged: it became shorter meanwhile. What is appended meanwhile is not read.
        """
        parts = paths.parse(request.path)
        opened = await asyncio.to_thread(self._open, request.path, parts)
        with beneath.descriptor(opened):
            found = os.fstat(opened)
            if request.offset > found.st_size:
                raise FileRangeOutside(request.offset, found.st_size)
            yield pb.ReadFileResponse(file=entry.describe("/".join(parts), found))
            at, end = request.offset, found.st_size
            end = min(end, at + request.length) if request.length else end
            while at < end:
                with refusing(request.path):
                    data = await asyncio.to_thread(os.pread, opened, min(CHUNK, end - at), at)
                if not data:
                    raise FileChanged(request.path)
                at += len(data)
                yield pb.ReadFileResponse(data=data)

    def _look(self, path: str, parts: Sequence[str]) -> File:
        with refusing(path), beneath.opened_beneath(self.folder, parts[:-1], os.O_PATH | os.O_DIRECTORY) as opened:
            return entry.look(parts, opened) if parts else entry.describe("", os.fstat(opened))

    def _list(self, path: str, parts: Sequence[str], after: bytes, limit: int) -> pb.ListFilesResponse:
        response = pb.ListFilesResponse()
        with refusing(path), beneath.opened_beneath(self.folder, parts, beneath.DIRECTORY) as opened:
            with os.scandir(opened) as entries:
                later = (name for found in entries if (name := os.fsencode(found.name)) > after)
                names = heapq.nsmallest(limit + 1, later)
            for name in names[:limit]:
                with suppress(FileNotFoundError):  # it is gone since
                    response.files.append(entry.look((*parts, os.fsdecode(name)), opened))
        if len(names) > limit:
            response.last_name = names[limit - 1]
        return response

    def _open(self, path: str, parts: Sequence[str]) -> int:
        with refusing(path), beneath.opened_beneath(self.folder, parts, os.O_PATH) as place:
            return open_regular(path, place)


def open_regular(path: str, place: int) -> int:
    """Open for reading what a place is. NotARegularFile for anything that is more than bytes; OSError."""
    found = os.fstat(place)
    if not stat.S_ISREG(found.st_mode):
        raise NotARegularFile(path, entry.kind_name(found))
    return beneath.reopen(place, os.O_RDONLY)
