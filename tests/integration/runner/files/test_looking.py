"""Listing, reading, watching and searching files of a room."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from stateroom.file.v1.file_pb2 import File, FileChange, FileChanges
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import InvalidField
from runner.files import errors
from runner.files.servicer import FileServicer
from tests.support.file_rooms import CALL, read, write
from tests.support.waiting import PATIENCE


async def _names(files: FileServicer, after: bytes = b"") -> tuple[list[str], bytes]:
    found = await files.ListFiles(pb.ListFilesRequest(after_name=after, limit=2), CALL)
    return [file.path for file in found.files], found.last_name


async def test_list_files_goes_through_all_names_in_pages(files: FileServicer, tree: Path) -> None:
    """In the order of their bytes, those that are no text among them, each kind as what it is."""
    (tree / "link").symlink_to("nowhere")
    os.mkfifo(tree / "pipe")
    (tree / os.fsdecode(b"caf\xe9")).write_bytes(b"1")
    seen, after = [], b""
    for _ in range(2):
        names, after = await _names(files, after)
        seen += names
    assert (seen, after) == ([".git", "caf\\xe9", "link", "pipe"], b"")
    found = (await files.ListFiles(pb.ListFilesRequest(limit=9), CALL)).files
    assert [file.kind for file in found] == [File.DIRECTORY, File.FILE, File.SYMLINK, File.OTHER]
    assert (found[1].unreadable_name, found[2].link_target) == (True, "nowhere")
    with pytest.raises(errors.FileNotFound):
        await files.GetFile(pb.GetFileRequest(path="caf\\xe9"), CALL)


async def test_read_file_range_is_that_of_the_file_as_it_was_opened(files: FileServicer, tree: Path) -> None:
    """What grows meanwhile has the length that was told; what shrinks says that it did."""
    (tree / "log").write_bytes(b"x" * 600_000)
    (tree / "in").symlink_to("log")
    assert await read(files, "in", offset=599_990) == b"x" * 10
    assert await read(files, "log", offset=5, length=7) == b"x" * 7
    assert await read(files, "log", offset=600_000) == b""
    with pytest.raises(errors.FileRangeOutside):
        await read(files, "log", offset=600_001)
    size = 0
    async with aclosing(files.ReadFile(pb.ReadFileRequest(path="log"), CALL)) as parts:  # type: ignore[type-var]
        async for part in parts:
            size += len(part.data)
            with (tree / "log").open("ab") as log:
                log.write(b"more")
    assert size == 600_000
    with pytest.raises(errors.FileChanged):
        await _read_truncating(files, tree / "log")


async def _read_truncating(files: FileServicer, log: Path) -> None:
    async for _ in files.ReadFile(pb.ReadFileRequest(path=log.name), CALL):
        os.truncate(log, 300_000)


async def test_read_file_that_is_sparse_is_a_stream_of_its_length(files: FileServicer, tree: Path) -> None:
    """A terabyte of nothing is read in pieces, as far as the caller wants it."""
    with (tree / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    assert await read(files, "sparse", offset=(1 << 40) - 3) == b"\0\0\0"


async def _until(watch: AsyncIterator[FileChanges], path: str, kind: FileChange.Type.ValueType) -> list[FileChange]:
    seen: list[FileChange] = []
    async with asyncio.timeout(PATIENCE):
        while not any((change.path, change.type) == (path, kind) for change in seen):
            seen += (await anext(watch)).changes
    return seen


async def test_watch_files_tells_of_everything_beneath_but_git(files: FileServicer, tree: Path) -> None:
    """New directories are watched with what is in them already, moved ones under their new name."""
    watch = files.WatchFiles(pb.WatchFilesRequest(), CALL)
    assert await anext(watch) == FileChanges()
    (tree / ".git" / "index").write_bytes(b"x")
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "b" / "c").write_bytes(b"1")
    seen = await _until(watch, "a/b/c", FileChange.CREATED)
    assert {change.path for change in seen} == {"a", "a/b", "a/b/c"}
    (tree / "a").rename(tree / "d")
    await _until(watch, "d/b/c", FileChange.CREATED)
    (tree / "d" / "b" / "c").write_bytes(b"2")
    await _until(watch, "d/b/c", FileChange.MODIFIED)
    await write(files, "d/b/c", b"3")
    await _until(watch, "d/b/c", FileChange.CREATED)
    (tree / "d" / "b" / "c").unlink()
    await _until(watch, "d/b/c", FileChange.DELETED)
    part = files.WatchFiles(pb.WatchFilesRequest(path="d"), CALL)
    await anext(part)
    (tree / "d").rename(tree / "e")
    with pytest.raises(errors.FileNotFound):
        async with asyncio.timeout(PATIENCE):
            await anext(part)


async def test_watch_files_that_lost_changes_says_so(files: FileServicer, tree: Path) -> None:
    """The kernel's queue has an end; whoever was told of the overflow lists again, and hears of what comes after."""
    watch = files.WatchFiles(pb.WatchFilesRequest(), CALL)
    await anext(watch)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    (tree / "a").write_bytes(b"")
    (tree / "b").write_bytes(b"")
    with (tree / "a").open("r+b", buffering=0) as a, (tree / "b").open("r+b", buffering=0) as b:
        for _ in range(most):  # each differs from the one before, or the kernel would fold them
            a.write(b"x")
            b.write(b"x")
    overflow = False
    async with asyncio.timeout(PATIENCE):
        while not overflow:
            overflow = (await anext(watch)).overflow
    (tree / "new").mkdir()
    assert "new" in [change.path for change in await _until(watch, "new", FileChange.CREATED)]


async def _search(files: FileServicer, query: str, **wishes: object) -> tuple[list[tuple[str, int, int]], bool]:
    request = pb.SearchFilesRequest(**{"query": query, "limit": 100} | wishes)  # type: ignore[arg-type]  # its fields
    messages = [message async for message in files.SearchFiles(request, CALL)]
    found = [(match.path, match.line, match.column) for message in messages for match in message.matches]
    return sorted(found), messages[-1].truncated


async def test_search_files_finds_lines_and_names_that_git_does_not_ignore(files: FileServicer, tree: Path) -> None:
    """Text or expression, here or there, as many as were asked for; a wrong expression is the caller's mistake."""
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(tree)], check=True)
    (tree / ".gitignore").write_text("ignored\n")
    (tree / "ignored").write_text("needle\n")
    (tree / "binary").write_bytes(b"needle\0")
    (tree / "src").mkdir()
    (tree / "src" / "a b.txt").write_text("hay\nhay Needle.\nneedle needle\n")
    assert await _search(files, "needle") == ([("src/a b.txt", 3, 1)], False)
    assert await _search(files, "needle", ignore_case=True, limit=1) == ([("src/a b.txt", 2, 5)], True)
    assert await _search(files, "^ha.$", regex=True, path="src") == ([("src/a b.txt", 1, 1)], False)
    assert await _search(files, "--help") == ([], False)
    assert await _search(files, "A B", names=True, ignore_case=True) == ([("src/a b.txt", 0, 0)], False)
    for endless in ("(", "((a{1,255}){1,255}){1,255}", r"(a*)\1"):
        with pytest.raises(InvalidField, match="no regular expression"):
            await _search(files, endless, regex=True)
    with pytest.raises(InvalidField, match="more than one line"):
        await _search(files, "needle\n")
    with pytest.raises(errors.FileNotFound):
        await _search(files, "needle", path="missing")
    with pytest.raises(InvalidField):
        await _search(files, "a", names=True, regex=True)
