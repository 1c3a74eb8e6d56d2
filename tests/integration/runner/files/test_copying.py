"""Copying files of a room: the copy is there as a whole or not at all, and nothing is overwritten unasked."""

import os
from pathlib import Path

import pytest
from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import DomainError, EtagMismatch
from runner.files import copying, errors
from runner.files.copying import Copying
from runner.files.servicer import FileServicer
from runner.files.writing import Writing
from tests.support.file_rooms import CALL, write


async def _copy(files: FileServicer, path: str, new_path: str, *, etag: str = "", overwrite: bool = False) -> File:
    request = pb.CopyFileRequest(path=path, new_path=new_path, etag=etag, overwrite=overwrite)
    return await files.CopyFile(request, CALL)


async def test_copy_file_of_a_directory_copies_all_that_is_in_it(files: FileServicer, tree: Path) -> None:
    """Modes and links as they are, a link as a link; not git's own, nor what holds no content; also into itself."""
    (tree / "a" / "inner").mkdir(parents=True)
    (tree / "a" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (tree / "a" / "run.sh").chmod(0o755)
    (tree / "a" / "inner" / "link").symlink_to("../run.sh")
    (tree / "a" / ".git").mkdir()
    os.mkfifo(tree / "a" / "pipe")
    (tree / "a" / "inner").chmod(0o555)
    made = await _copy(files, "a", "a/copy")
    assert (made.path, made.kind) == ("a/copy", File.DIRECTORY)
    copy = tree / "a" / "copy"
    assert sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*")) == ["inner", "inner/link", "run.sh"]
    assert ((copy / "run.sh").read_bytes(), (copy / "run.sh").stat().st_mode & 0o777) == (b"#!/bin/sh\n", 0o755)
    assert ((copy / "inner" / "link").readlink().as_posix(), (copy / "inner").stat().st_mode & 0o777) == (
        "../run.sh",
        0o555,
    )
    assert (await _copy(files, "a/inner/link", "link")).link_target == "../run.sh"


async def test_copy_file_where_something_is_needs_overwrite_and_a_file(files: FileServicer, tree: Path) -> None:
    """A file takes the place of a file; directories and links stay what they are."""
    first = await write(files, "a", b"new")
    await write(files, "b", b"old")
    (tree / "d").mkdir()
    (tree / "l").symlink_to("b")
    for target in ("b", "d", "l"):
        with pytest.raises(errors.FileAlreadyExists):
            await _copy(files, "a", target)
    for source, target in (("a", "d"), ("a", "l"), ("d", "b")):
        with pytest.raises(errors.FileAlreadyExists):
            await _copy(files, source, target, overwrite=True)
    with pytest.raises(EtagMismatch):
        await _copy(files, "a", "c", etag='"other"')
    await _copy(files, "a", "b", etag=first.etag, overwrite=True)
    assert ((tree / "b").read_bytes(), (tree / "a").read_bytes()) == (b"new", b"new")
    with pytest.raises(errors.FileNameClashes):
        await _copy(files, "a", "B")
    assert sorted(path.name for path in tree.iterdir()) == [".git", "a", "b", "d", "l"]


@pytest.mark.parametrize(
    ("path", "new_path", "refusal"),
    [
        ("a", ".git/hooks/pre-commit", errors.ProtectedPath),
        (".git/config", "c", errors.ProtectedPath),
        ("a", "out/c", errors.PathOutsideWorkspace),
        ("out/passwd", "c", errors.PathOutsideWorkspace),
        ("a", "../c", errors.PathOutsideWorkspace),
        ("", "c", errors.InvalidPath),
        ("gone", "c", errors.FileNotFound),
        ("a", "gone/c", errors.FileNotFound),
        ("pipe", "c", errors.NotARegularFile),
    ],
)
async def test_copy_file_beyond_the_rules_of_paths_changes_nothing(
    files: FileServicer, tree: Path, path: str, new_path: str, refusal: type[DomainError]
) -> None:
    """The rules are those of moving."""
    await write(files, "a", b"x")
    (tree / "out").symlink_to("/etc")
    os.mkfifo(tree / "pipe")
    with pytest.raises(refusal):
        await _copy(files, path, new_path)
    assert not (tree / "c").exists()
    assert not list((tree.parent / "staging").iterdir())


async def test_copy_file_of_more_than_is_copied_at_once_leaves_nothing(
    files: FileServicer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither beside what it was to be, nor in the workspace: a sparse file, or too many entries."""
    (tree / "d").mkdir()
    with (tree / "d" / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    small = Copying(Writing(tree, files.writing.staging, limit=1 << 20))
    with pytest.raises(errors.FileTooLarge):
        await small.copy(pb.CopyFileRequest(path="d", new_path="e"))
    (tree / "d" / "sparse").unlink()
    monkeypatch.setattr(copying, "ENTRIES", 2)
    for name in ("1", "2"):
        (tree / "d" / name).touch()
    with pytest.raises(errors.CopyTooLarge):
        await _copy(files, "d", "e")
    assert sorted(path.name for path in tree.iterdir()) == [".git", "d"]
    assert not list((tree.parent / "staging").iterdir())
