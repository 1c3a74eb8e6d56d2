"""Content on its way through this service, between the chunks of callers and those of runners."""

import mimetypes
import posixpath
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

from google.api.httpbody_pb2 import HttpBody
from stateroom.api.v1.content_pb2 import ContentInfo
from stateroom.file.v1.file_pb2 import ArchiveFormat, File

from chassis.errors import InvalidField, Violation

T = TypeVar("T")

_PIECE = 1 << 20
"""Bytes in one message to a runner."""
_UNKNOWN = "application/octet-stream"
_SUFFIXES = {ArchiveFormat.TAR_GZ: ".tar.gz", ArchiveFormat.ZIP: ".zip"}


async def first_of(requests: AsyncIterator[T]) -> T:
    """Return the first message of a stream. InvalidField when there is none."""
    async for request in requests:
        return request
    raise InvalidField(Violation("workspace_id", "no message was sent"))


async def data_of(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Yield the content of all messages, in pieces that a runner takes."""
    for piece in _pieces(first.content):
        yield piece
    async for request in rest:
        for piece in _pieces(request.content):
            yield piece


def _pieces(content: HttpBody) -> Iterator[bytes]:
    for at in range(0, len(content.data), _PIECE):
        yield content.data[at : at + _PIECE]


def read_head(file: File, offset: int, length: int) -> HttpBody:
    """Return the first item of a file's content; `length` is what was asked for, 0 for all."""
    left = file.size_bytes - offset
    info = ContentInfo(
        etag=file.etag,
        size_bytes=file.size_bytes,
        offset=offset,
        length=min(left, length) if length else left,
        file_name=posixpath.basename(file.path),
    )
    return _head(info)


def archive_head(path: str, form: ArchiveFormat.ValueType) -> HttpBody:
    """Return the first item of an archive of a directory."""
    name = posixpath.basename(path.removesuffix("/")) or "workspace"
    return _head(ContentInfo(file_name=name + _SUFFIXES.get(form, ".tar")))


def _head(info: ContentInfo) -> HttpBody:
    content = HttpBody(content_type=mimetypes.guess_type(info.file_name)[0] or _UNKNOWN)
    content.extensions.add().Pack(info)
    return content
