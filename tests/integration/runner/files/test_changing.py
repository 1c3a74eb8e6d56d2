"""Writing, moving, making and deleting files of a room."""

import asyncio
import os
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import chain
from pathlib import Path
from socket import AF_UNIX, socket

import pytest
from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import EtagMismatch
from runner.files import errors
from runner.files.servicer import FileServicer
from runner.files.staging import Staging
from runner.files.writing import Writing
from tests.support.file_rooms import CALL, many, read, write


async def test_write_file_that_is_new_has_the_owner_and_mode_of_a_shells(files: FileServicer, tree: Path) -> None:
    """Nobody can tell whether a shell or a call made it."""
    made = await write(files, "a.txt", b"hello ", b"world")
    found = (tree / "a.txt").stat()
    assert (tree / "a.txt").read_bytes() == b"hello world"
    assert (found.st_uid, found.st_mode & 0o777) == (os.getuid(), 0o644)
    assert (made.path, made.kind, made.size_bytes, made.mode) == ("a.txt", File.FILE, 11, 0o644)
    assert made == await files.GetFile(pb.GetFileRequest(path="a.txt"), CALL)


async def test_write_file_that_is_there_keeps_its_mode_and_is_another_file(files: FileServicer, tree: Path) -> None:
    """Who has the old one open reads it to its end."""
    (tree / "run.sh").write_bytes(b"old")
    (tree / "run.sh").chmod(0o755)
    with (tree / "run.sh").open("rb") as old:
        await write(files, "run.sh", b"new")
        assert old.read() == b"old"
    assert (tree / "run.sh").read_bytes() == b"new"
    assert (tree / "run.sh").stat().st_mode & 0o777 == 0o755


async def test_write_file_of_another_version_is_refused_with_the_current_etag(files: FileServicer, tree: Path) -> None:
    """Of two who read the same version one writes, and the other is told which there is now."""
    first = await write(files, "a", b"1")
    outcomes = await asyncio.gather(
        *(write(files, "a", each, etag=first.etag) for each in (b"2", b"3")), return_exceptions=True
    )
    (won,) = [each for each in outcomes if isinstance(each, File)]
    (lost,) = [each for each in outcomes if isinstance(each, EtagMismatch)]
    assert lost.values == {"etag": first.etag, "current": won.etag}
    with pytest.raises(errors.FileAlreadyExists):
        await write(files, "a", b"4", if_absent=True)
    with pytest.raises(EtagMismatch):
        await write(files, "new", b"5", etag=first.etag)
    assert sorted(path.name for path in tree.iterdir()) == [".git", "a"]


async def test_write_file_into_a_directory_that_is_missing_names_the_directory(files: FileServicer) -> None:
    """That the file is not there is no news to somebody who writes it."""
    with pytest.raises(errors.FileNotFound) as refused:
        await write(files, "missing/a.txt", b"1")
    assert refused.value.values == {"path": "missing"}


async def test_write_file_that_breaks_off_leaves_the_old_one_and_nothing_else(files: FileServicer, tree: Path) -> None:
    """All bytes or none: a caller who leaves, or a limit, changes nothing."""
    await write(files, "a", b"old")

    async def cut() -> AsyncIterator[pb.WriteFileRequest]:
        yield pb.WriteFileRequest(path="a", data=b"new")
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await files.WriteFile(cut(), CALL)
    limited = Writing(files.folder, files.writing.staging, limit=10)
    with pytest.raises(errors.FileTooLarge):
        await limited.write(pb.WriteFileRequest(path="a"), many([pb.WriteFileRequest(data=b"x" * 6)] * 2))
    assert await read(files, "a") == b"old"
    assert list(files.writing.staging.folder.iterdir()) == []


async def test_write_file_on_a_full_disk_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    """A real disk of one megabyte, in a namespace of its own."""
    command = ("unshare", "--map-root-user", "--mount", sys.executable, "-m", "tests.support.full_disk", str(tmp_path))
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    printed, _ = await process.communicate()
    assert printed.decode() == "DISK_FULL b'old' []"


async def test_large_file_is_written_and_read_in_memory_of_a_few_parts(files: FileServicer) -> None:
    """Sixty megabytes, of which nobody holds more than some."""
    tracemalloc.start()
    try:
        await write(files, "large", *(bytes(1 << 20) for _ in range(3)))  # what is there once, is there
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        first = pb.WriteFileRequest(path="large")
        parts = (pb.WriteFileRequest(data=bytes(1 << 20)) for _ in range(60))
        made = await files.WriteFile(many(chain([first], parts)), CALL)
        size = 0
        async for part in files.ReadFile(pb.ReadFileRequest(path="large"), CALL):
            size += len(part.data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.size_bytes == size == 60 << 20
    assert peak - before < 8 << 20


BAD_PATHS = {
    "../../etc/passwd": errors.PathOutsideWorkspace,
    "/etc/passwd": errors.PathOutsideWorkspace,
    "a/../../b": errors.PathOutsideWorkspace,
    "..\\..\\b": errors.PathOutsideWorkspace,
    "out-link/a": errors.PathOutsideWorkspace,
    "circle/a": errors.PathOutsideWorkspace,
    "a//b": errors.InvalidPath,
    "./a": errors.InvalidPath,
    "a\0b": errors.InvalidPath,
    "x" * 256: errors.InvalidPath,
    "é" * 128: errors.InvalidPath,
    "": errors.InvalidPath,
    ".git/config": errors.ProtectedPath,
    ".git/hooks/x": errors.ProtectedPath,
    "sub/.git": errors.ProtectedPath,
    "git-link/config": errors.ProtectedPath,
    "file/a": errors.NotADirectory,
}
CHANGES: dict[str, Callable[[FileServicer, str], Awaitable[object]]] = {
    "write": lambda files, path: write(files, path, b"x"),
    "move there": lambda files, path: files.writing.move(pb.MoveFileRequest(path="file", new_path=path)),
    "copy there": lambda files, path: files.copying.copy(pb.CopyFileRequest(path="file", new_path=path)),
    "make": lambda files, path: files.writing.make_directory(path),
    "delete": lambda files, path: files.writing.delete(pb.DeleteFileRequest(path=path, recursive=True)),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_change_at_a_bad_path_is_refused_and_changes_nothing(
    files: FileServicer, tree: Path, change: str
) -> None:
    """Every way out of the workspace, and into `.git`, has its own reason, whatever the call."""
    (tree / "file").write_bytes(b"")
    (tree / "git-link").symlink_to(".git")
    (tree / "out-link").symlink_to(tree.parent)
    (tree / "circle").symlink_to("circle")
    before = sorted(tree.parent.rglob("*"))
    for path, reason in BAD_PATHS.items():
        expected = errors.FileAlreadyExists if (path, change) == ("file/a", "make") else reason
        with pytest.raises(expected):
            await CHANGES[change](files, path)
    assert sorted(tree.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["directory", "link", "pipe", "socket"])
async def test_write_or_read_of_what_is_no_file_is_refused_at_once(files: FileServicer, tree: Path, name: str) -> None:
    """Nobody waits for a pipe, and a link is not replaced by what was meant for its target."""
    (tree / "directory").mkdir()
    (tree / "link").symlink_to("directory")
    os.mkfifo(tree / "pipe")
    with socket(AF_UNIX) as listening:
        listening.bind(str(tree / "socket"))
        with pytest.raises(errors.NotARegularFile):
            await write(files, name, b"x")
        with pytest.raises(errors.NotARegularFile):
            await read(files, name)


async def test_write_of_a_name_that_differs_by_case_only_is_refused_with_the_other(files: FileServicer) -> None:
    """A clone on another system could hold only one of both; a file may be renamed so, though."""
    await write(files, "Straße.txt", b"")
    for name in ("STRASSE.TXT", "straße.txt"):
        with pytest.raises(errors.FileNameClashes) as refused:
            await write(files, name, b"")
        assert refused.value.values["other"] == "Straße.txt"
    moved = await files.writing.move(pb.MoveFileRequest(path="Straße.txt", new_path="STRASSE.TXT"))
    assert moved.path == "STRASSE.TXT"


async def test_move_file_never_replaces_anything(files: FileServicer, tree: Path) -> None:
    """What is at the target stays; directories move with all that is in them."""
    await files.writing.make_directory("a/b")
    made = await write(files, "a/b/c", b"1")
    await write(files, "d", b"2")
    with pytest.raises(errors.FileAlreadyExists):
        await files.writing.move(pb.MoveFileRequest(path="d", new_path="a/b/c"))
    with pytest.raises(EtagMismatch):
        await files.writing.move(pb.MoveFileRequest(path="d", new_path="e", etag=made.etag))
    with pytest.raises(errors.FileFailed):
        await files.writing.move(pb.MoveFileRequest(path="a", new_path="a/b/a"))
    await files.writing.move(pb.MoveFileRequest(path="a/b", new_path="b"))
    assert (tree / "b" / "c").read_bytes() == b"1"
    assert (tree / "d").read_bytes() == b"2"


async def test_delete_file_takes_a_full_directory_only_when_told(files: FileServicer, tree: Path) -> None:
    """However deep it is, whatever its modes are; of a link the link goes, and not what it leads to."""
    kept = tree.parent / "home" / "kept"
    kept.write_bytes(b"")
    deep = tree / "a"
    for _ in range(300):
        deep = deep / "deep"
    deep.mkdir(parents=True)
    (tree / "a" / "out").symlink_to(kept.parent)
    (tree / "a" / "deep" / "deep").chmod(0o500)
    with pytest.raises(errors.DirectoryNotEmpty):
        await files.writing.delete(pb.DeleteFileRequest(path="a"))
    await files.writing.delete(pb.DeleteFileRequest(path="a", recursive=True))
    (tree / "link").symlink_to(kept.parent)
    await files.writing.delete(pb.DeleteFileRequest(path="link", recursive=True))
    assert [path.name for path in tree.iterdir()] == [".git"]
    assert list(files.writing.staging.folder.iterdir()) == []
    assert kept.exists()


async def test_start_of_a_runner_removes_what_one_before_it_left_half_done(files: FileServicer) -> None:
    """A runner that is killed in the middle of a write leaves its content beside the workspace."""
    staging = files.writing.staging
    (staging.folder / "file").write_bytes(b"half")
    (staging.folder / "tree" / "a").mkdir(parents=True)
    Staging.emptied(files.folder.parent)
    assert list(staging.folder.iterdir()) == []
