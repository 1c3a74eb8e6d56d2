"""Content between this machine and a room: local files, archives packed on the way, and a bar for long ones."""

import asyncio
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self, cast

from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from cli.client import Content
from cli.errors import WrongUse
from cli.render import Output

STANDARD = "-"
"""Names standard input or output in the place of a local file."""

_CHUNK = 256 * 1024
_PATIENCE = 1.0
"""Seconds after which a transfer shows how far it is."""


class Bar:
    """How far a transfer is, on a terminal."""

    def __init__(self, output: Output, size: int | None) -> None:
        columns = BarColumn(), DownloadColumn(), TransferSpeedColumn()
        silent = output.as_json or not output.messages.is_terminal
        self._progress = Progress(*columns, console=output.messages, transient=True, disable=silent)
        self._task = self._progress.add_task("", total=size)
        self._begin = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, count: int) -> None:
        """Note that so many more bytes went over."""
        self._progress.advance(self._task, count)
        if not self._progress.live.is_started and time.monotonic() - self._begin > _PATIENCE:
            self._progress.start()


async def sent(output: Output, local: str) -> AsyncIterator[bytes]:
    """Yield what a local file, or standard input, holds. WrongUse when it cannot be read."""
    if local == STANDARD:
        with Bar(output, None) as bar:
            async for chunk in _read(sys.stdin.buffer, bar):
                yield chunk
        return
    with opened(local) as file, Bar(output, os.fstat(file.fileno()).st_size) as bar:
        async for chunk in _read(file, bar):
            yield chunk


async def _read(file: BinaryIO, bar: Bar) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, _CHUNK):
        bar.add(len(chunk))
        yield chunk


@contextmanager
def opened(local: str) -> Iterator[BinaryIO]:
    """Open a local file. WrongUse when it cannot be."""
    try:
        file = Path(local).open("rb")  # noqa: SIM115  # closed below
    except OSError as error:
        msg = f"{local}: {error.strerror}"
        raise WrongUse(msg) from error
    with file:
        yield file


@contextmanager
def packed(folder: Path) -> Iterator[str]:
    """Give a temporary archive of a local folder, without what `.git` folders in it hold."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(folder, ".", filter=lambda info: None if ".git" in info.name.split("/") else info)
        file.flush()
        yield file.name


async def received(output: Output, content: Content, local: str, *, force: bool) -> int:
    """Write content to a local file, which is there once all of it is, or to standard output; return its length.

    Raises:
        WrongUse: the file exists and is not to be replaced, or cannot be written.
    """
    bar = Bar(output, content.size)
    if local == STANDARD:
        return await _write(content.chunks, sys.stdout.buffer, bar)
    with _made(Path(local), force=force) as file:
        return await _write(content.chunks, file, bar)


@contextmanager
def _made(target: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Give a file that takes its place at the end, and is gone when that is not reached."""
    if target.exists() and not force:
        msg = f"{target} exists; --force replaces it."
        raise WrongUse(msg)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            partial = Path(file.name)
            try:
                yield cast("BinaryIO", file)
                partial.chmod(0o666 & ~_umask())
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{target}: {error.strerror}"
        raise WrongUse(msg) from error


async def _write(chunks: AsyncIterable[bytes], file: BinaryIO, bar: Bar) -> int:
    size = 0
    with bar:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)
            size += len(chunk)
            bar.add(len(chunk))
    file.flush()
    return size


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
