"""I27 under a shell that swaps a directory for a link out of the workspace while calls go through it."""

import asyncio
import ctypes
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import DomainError
from runner.files.servicer import FileServicer
from tests.support.file_rooms import CALL, download, read, write

_LIBC = ctypes.CDLL(None, use_errno=True)
_HERE, _EXCHANGE = -100, 2
INSIDE, OUTSIDE = b"inside", b"outside"

Operation = Callable[[FileServicer, int], Awaitable[object]]


async def _read(files: FileServicer, _number: int) -> None:
    assert await read(files, "spot/file") == INSIDE


async def _list(files: FileServicer, _number: int) -> None:
    found = await files.ListFiles(pb.ListFilesRequest(path="spot", limit=1000), CALL)
    assert "spot/secret" not in [file.path for file in found.files]


async def _download(files: FileServicer, _number: int) -> None:
    assert OUTSIDE not in await download(files, path="spot")


async def _watch(files: FileServicer, _number: int) -> None:
    watch = files.WatchFiles(pb.WatchFilesRequest(path="spot"), CALL)
    await anext(watch)
    await watch.aclose()  # type: ignore[attr-defined]  # a generator


async def _delete(files: FileServicer, number: int) -> None:
    await write(files, f"spot/{number}", b"x")
    await files.DeleteFile(pb.DeleteFileRequest(path="spot/secret"), CALL)


OPERATIONS: tuple[Operation, ...] = (
    _read,
    _list,
    _delete,
    _watch,
    _download,
    lambda files, _number: write(files, "spot/file", INSIDE),
    lambda files, number: files.MakeDirectory(pb.MakeDirectoryRequest(path=f"spot/d{number % 7}/e"), CALL),
    lambda files, number: files.DeleteFile(pb.DeleteFileRequest(path=f"spot/d{number % 7}", recursive=True), CALL),
    lambda files, number: files.MoveFile(pb.MoveFileRequest(path="spot/moved", new_path=f"spot/moved{number}"), CALL),
)


async def race(files: FileServicer, tree: Path, outside: Path, *, operations: int) -> Counter[str]:
    """Run operations against the swapping; return how many of them were done, and refused by reason.

    AssertionError when one got at anything outside.
    """
    (outside / "d1").mkdir(parents=True)
    for name in ("secret", "file", "moved"):
        (outside / name).write_bytes(OUTSIDE)
    before = _contents(outside)
    (tree / "spot").mkdir()
    (tree / "spot" / "file").write_bytes(INSIDE)
    (tree / "other").symlink_to(outside)
    counts: Counter[str] = Counter()
    with _swapping(tree / "spot", tree / "other"):
        for number in range(operations):
            try:
                await OPERATIONS[number % len(OPERATIONS)](files, number)
                counts["done"] += 1
            except DomainError as error:
                counts[error.reason] += 1
            if number % 50 == 0:
                await asyncio.sleep(0)
    assert _contents(outside) == before
    return counts


@contextmanager
def _swapping(first: Path, second: Path) -> Iterator[None]:
    """Exchange two entries as fast as that goes."""
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.is_set():
            _LIBC.renameat2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
