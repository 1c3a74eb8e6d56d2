"""A room's files as the runner serves them, for tests that call it without a process of its own."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from stateroom.file.v1.file_pb2 import ArchiveFormat, File
from stateroom.runner.v1 import file_service_pb2 as pb

from runner.files.servicer import FileServicer

CALL: Any = None
"""Handlers of files look at nothing of the call."""


async def many(messages: Iterable[Any]) -> AsyncIterator[Any]:
    """Return a stream of messages."""
    for message in messages:
        yield message


async def write(files: FileServicer, path: str, *data: bytes, etag: str = "", if_absent: bool = False) -> File:
    """Write a file in as many messages as there are data."""
    first = pb.WriteFileRequest(path=path, etag=etag, if_absent=if_absent)
    return await files.WriteFile(many([first, *(pb.WriteFileRequest(data=each) for each in data)]), CALL)


async def read(files: FileServicer, path: str, offset: int = 0, length: int = 0) -> bytes:
    """Return content."""
    request = pb.ReadFileRequest(path=path, offset=offset, length=length)
    return b"".join([part.data async for part in files.ReadFile(request, CALL)])


async def upload(
    files: FileServicer, archive: bytes, form: ArchiveFormat.ValueType = ArchiveFormat.TAR, path: str = ""
) -> pb.UploadFilesResponse:
    """Unpack an archive that comes in parts."""
    parts = (archive[at : at + 100_000] for at in range(0, len(archive), 100_000))
    first = pb.UploadFilesRequest(path=path, format=form)
    return await files.UploadFiles(many([first, *(pb.UploadFilesRequest(data=part) for part in parts)]), CALL)


async def download(files: FileServicer, form: ArchiveFormat.ValueType = ArchiveFormat.TAR, path: str = "") -> bytes:
    """Return a directory as an archive."""
    request = pb.DownloadFilesRequest(path=path, format=form)
    return b"".join([part.data async for part in files.DownloadFiles(request, CALL)])
