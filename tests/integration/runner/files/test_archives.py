"""Directories of a room as archives, and archives into a room."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from stateroom.file.v1.file_pb2 import ArchiveFormat
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import DomainError
from runner.files import errors, unpacking
from runner.files.servicer import FileServicer
from tests.support.file_rooms import CALL, download, upload, write

FORMS = (ArchiveFormat.TAR, ArchiveFormat.TAR_GZ, ArchiveFormat.ZIP)


def _tar(*entries: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """Return an archive of entries without content, and of files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for entry in entries:
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry[0])
            content = b"" if isinstance(entry, tarfile.TarInfo) else entry[1]
            info.size = info.size or len(content)
            archive.addfile(info, io.BytesIO(content) if content else None)
    return made.getvalue()


def _entry(name: str, kind: bytes, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def _zip(*entries: tuple[str, bytes, int]) -> bytes:
    """Return an archive of names, contents and modes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


@pytest.mark.parametrize("form", FORMS, ids=ArchiveFormat.Name)
async def test_download_and_upload_give_the_same_tree(
    files: FileServicer, tree: Path, form: ArchiveFormat.ValueType
) -> None:
    """Content, modes and links come back; `.git` and pipes stay behind."""
    (tree / "src" / "empty").mkdir(parents=True)
    (tree / "src" / "run.sh").write_bytes(b"#!/bin/sh\n" * 100_000)
    (tree / "src" / "run.sh").chmod(0o755)
    (tree / "src" / "link").symlink_to("run.sh")
    (tree / "src" / ".git").mkdir()
    os.mkfifo(tree / "src" / "pipe")
    archive = await download(files, form, "src")
    unpacked = await upload(files, archive, form, "copy")
    assert (unpacked.file_count, unpacked.size_bytes) == (2, 1_000_000)
    found = {path.name: path for path in (tree / "copy").iterdir()}
    assert sorted(found) == ["empty", "link", "run.sh"]
    assert found["run.sh"].read_bytes() == (tree / "src" / "run.sh").read_bytes()
    assert stat.S_IMODE(found["run.sh"].stat().st_mode) == 0o755
    assert found["link"].readlink() == Path("run.sh")


async def test_upload_into_a_directory_that_is_there_overwrites_nothing(files: FileServicer, tree: Path) -> None:
    """What is new comes in beside it; one name that is taken keeps all of it out."""
    await write(files, "old", b"1")
    await upload(files, _tar(("./new/a", b"2"), (".", b"")))
    assert (tree / "new" / "a").read_bytes() == b"2"
    for archive, reason in (
        (_tar(("b", b"3"), ("old", b"4")), errors.FileAlreadyExists),
        (_tar(("b", b"3"), ("OLD", b"4")), errors.FileNameClashes),
    ):
        with pytest.raises(reason):
            await upload(files, archive)
    assert sorted(path.name for path in tree.iterdir()) == [".git", "new", "old"]
    assert (tree / "old").read_bytes() == b"1"


DEVICE, LINK, HARD, PIPE, SPARSE = tarfile.CHRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"S"
LINK_MODE, PIPE_MODE = stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644
BAD: dict[str, tuple[Callable[[], bytes], ArchiveFormat.ValueType, type[DomainError]]] = {
    "absolute": (lambda: _tar(("/etc/x", b"x")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "upwards": (lambda: _tar(("a/../../x", b"x")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "upwards in a zip": (lambda: _zip(("../x", b"x", 0)), ArchiveFormat.ZIP, errors.ArchiveRefused),
    "Windows upwards": (lambda: _zip(("..\\x", b"x", 0)), ArchiveFormat.ZIP, errors.ArchiveRefused),
    "link out": (lambda: _tar(_entry("l", LINK, "../..")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "absolute link": (lambda: _tar(_entry("l", LINK, "/etc")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "link out in a zip": (lambda: _zip(("l", b"../..", LINK_MODE)), ArchiveFormat.ZIP, errors.ArchiveRefused),
    "write through a link": (
        lambda: _tar(("d/x", b""), _entry("l", LINK, "d"), ("l/a", b"x")),
        ArchiveFormat.TAR,
        errors.ArchiveRefused,
    ),
    "links out together": (
        lambda: _tar(("a/b/c", b""), _entry("a/up", LINK, "."), _entry("l", LINK, "a/up/../..")),
        ArchiveFormat.TAR,
        errors.ArchiveRefused,
    ),
    "links out by each other": (
        lambda: _tar(("a/b/c", b""), _entry("s", LINK, "a"), _entry("a/b/t", LINK, "../../s/../../x")),
        ArchiveFormat.TAR,
        errors.ArchiveRefused,
    ),
    "hard link": (lambda: _tar(_entry("h", HARD, "/etc/passwd")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "device": (lambda: _tar(_entry("null", DEVICE)), ArchiveFormat.TAR, errors.ArchiveRefused),
    "pipe": (lambda: _tar(_entry("pipe", PIPE)), ArchiveFormat.TAR, errors.ArchiveRefused),
    "pipe in a zip": (lambda: _zip(("pipe", b"", PIPE_MODE)), ArchiveFormat.ZIP, errors.ArchiveRefused),
    "names that differ by case": (
        lambda: _tar(("a/x", b"1"), ("A/y", b"2")),
        ArchiveFormat.TAR,
        errors.FileNameClashes,
    ),
    "names that differ by form": (
        lambda: _zip(("é", b"1", 0), ("e\u0301", b"2", 0)),
        ArchiveFormat.ZIP,
        errors.FileNameClashes,
    ),
    "name twice": (lambda: _tar(("a", b"1"), ("a", b"2")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "file below a file": (lambda: _tar(("a", b"1"), ("a/b", b"2")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "git hook": (lambda: _tar((".git/hooks/x", b"x")), ArchiveFormat.TAR, errors.ProtectedPath),
    "nested git": (lambda: _tar(("a/.git/config", b"x")), ArchiveFormat.TAR, errors.ProtectedPath),
    "no archive": (lambda: b"x" * 5000, ArchiveFormat.TAR, errors.ArchiveRefused),
    "no zip": (lambda: b"x" * 5000, ArchiveFormat.ZIP, errors.ArchiveRefused),
    "no gzip": (lambda: b"x" * 5000, ArchiveFormat.TAR_GZ, errors.ArchiveRefused),
    "nothing": (lambda: b"", ArchiveFormat.TAR, errors.ArchiveRefused),
    "cut": (lambda: _tar(("a", b"x" * 10_000))[:3000], ArchiveFormat.TAR, errors.ArchiveRefused),
    "cut gzip": (
        lambda: gzip.compress(_tar(("a", os.urandom(9000))))[:5000],
        ArchiveFormat.TAR_GZ,
        errors.ArchiveRefused,
    ),
    "size of a terabyte": (
        lambda: _tar(_entry("a", tarfile.REGTYPE, size=1 << 40)),
        ArchiveFormat.TAR,
        errors.FileTooLarge,
    ),
    "name of 300 bytes": (lambda: _tar(("x" * 300, b"")), ArchiveFormat.TAR, errors.ArchiveRefused),
    "name that is no text": (lambda: _tar(("caf\udce9", b"")), ArchiveFormat.TAR, errors.ArchiveRefused),
}


@pytest.mark.parametrize("name", BAD)
async def test_upload_of_a_bad_archive_is_refused_and_leaves_nothing(
    files: FileServicer, tree: Path, name: str
) -> None:
    """However it tries to leave its directory, or to be what it is not."""
    make, form, reason = BAD[name]
    before = sorted(tree.parent.rglob("*"))
    with pytest.raises(reason):
        await upload(files, make(), form, "target")
    assert sorted(tree.parent.rglob("*")) == before


async def test_upload_of_a_bomb_is_refused_before_it_fills_anything(
    files: FileServicer, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes out is counted, whatever the archive says; so are its entries, and the length of its heads."""
    monkeypatch.setattr(unpacking, "LIMIT", 1 << 20)
    monkeypatch.setattr(unpacking, "ENTRIES", 100)
    bomb = _zip(("a", b"\0" * (3 << 20), 0))
    assert len(bomb) < 1 << 14
    with pytest.raises(errors.FileTooLarge):
        await upload(files, bomb, ArchiveFormat.ZIP)
    with pytest.raises(errors.FileTooLarge):
        await upload(files, gzip.compress(_tar(("a", b"\0" * (3 << 20)))), ArchiveFormat.TAR_GZ)
    with pytest.raises(errors.ArchiveRefused):
        await upload(files, _tar(*((f"{number}", b"") for number in range(101))))
    head = tarfile.TarInfo("head")
    head.type, head.size = tarfile.XHDTYPE, 16 << 20
    with pytest.raises(errors.ArchiveRefused):
        await upload(files, gzip.compress(head.tobuf() + b"\0" * (16 << 20), 1), ArchiveFormat.TAR_GZ)
    assert [path.name for path in tree.iterdir()] == [".git"]


async def test_download_of_a_file_that_shrinks_is_no_whole_archive(files: FileServicer, tree: Path) -> None:
    """Its head has told its length; an archive that ended as if all were well would be a lie."""
    (tree / "log").write_bytes(b"x" * (8 << 20))
    with pytest.raises(errors.FileChanged):
        await _download_truncating(files, tree / "log")


async def _download_truncating(files: FileServicer, log: Path) -> None:
    async for part in files.DownloadFiles(pb.DownloadFilesRequest(), CALL):
        if part.data:
            os.truncate(log, 1 << 20)
