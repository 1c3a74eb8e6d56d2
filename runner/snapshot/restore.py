# Paths are bytes here, which pathlib does not know:
# ruff: noqa: PTH101, PTH102, PTH211
"""Gives a snapshot back as a new directory."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO

from chassis import faults
from runner import prepared
from runner.snapshot import names
from runner.snapshot.clearing import clear
from runner.snapshot.errors import Refused
from runner.snapshot.take import FILES, MODES
from runner.snapshot.vault import Vault

_INCOMING = "restoring"
_LINK = b"120000"
_NO_NAMES = {b"", b".", b".."}
_PIECE = 1 << 20  # bytes written at once
_BEFORE_RENAME = faults.Point("snapshot.before_rename", "All is given back, and not where it belongs.")


def restore(vault: Vault, reference: str, room: Path, restoration: str) -> str:
    """Make the directory of a room of a snapshot, all at once. What was there goes.

    Args:
        vault: which is locked.
        reference: of the snapshot.
        room: in which nothing runs.
        restoration: whatever tells this one from others, also from those of the same snapshot; once done it is done.

    Returns:
        The branch, empty for a detached head.

    Raises:
        Refused: there is no such snapshot, it leads out of the directory, or it does not fit onto the disk. The room is
            as it was.
    """
    incoming = room / _INCOMING
    for left in (incoming, room / "replaced"):
        clear(left)
    if prepared.restoration(room) != restoration:
        incoming.mkdir(mode=0o700, parents=True)
        try:
            _fill(vault, reference, os.fspath(incoming).encode())
        except OSError as error:
            clear(incoming)
            cause = error.strerror or "it cannot be written"
            raise Refused(cause) from error
        _BEFORE_RENAME.reach()
        clear(prepared.replace(room, incoming, _branch(incoming), restoration))
    return prepared.branch(room)


def _fill(vault: Vault, reference: str, directory: bytes) -> None:
    modes = dict(_modes(vault.read("cat-file", "blob", f"{reference}:{MODES}")))
    folders = {b"", *(path for path in modes if path.endswith(b"/"))}
    for path in modes:
        _expect_within(path, folders)
        if path.endswith(b"/"):
            os.mkdir(directory + b"/" + path)
    with vault.process("cat-file", "--batch") as git:
        assert git.stdin is not None and git.stdout is not None  # noqa: S101, PT018  # for the type checker
        for kind, blob, path in _blobs(vault, reference):
            _expect_within(path, folders)
            if kind == _LINK:
                modes.pop(path, None)  # else its target would get the rights
            git.stdin.write(blob + b"\n")
            git.stdin.flush()
            _write(git.stdout, blob, directory + b"/" + path, kind)
    for path, rights in reversed(modes.items()):  # what is in a folder before the folder
        os.chmod(directory + b"/" + path, rights)


def _expect_within(path: bytes, folders: AbstractSet[bytes]) -> None:
    """Raise Refused for what is not directly in a folder of the snapshot, which are made before any link.

    Snapshots of ours name every folder; one that came as a pack may be of a runner that somebody had taken over.
    """
    parent, _, name = path.rstrip(b"/").rpartition(b"/")
    if name in _NO_NAMES or (parent + b"/" if parent else b"") not in folders:
        cause = "the snapshot leads out of its directory"
        raise Refused(cause)


def _modes(listed: bytes) -> Iterator[tuple[bytes, int]]:
    for line in listed.split(b"\0")[:-1]:
        rights, _, path = line.partition(b" ")
        yield names.original(path), int(rights, 8)


def _blobs(vault: Vault, reference: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield kind, object and path of each file and link."""
    if not vault.read("ls-tree", reference, "--", FILES):
        return  # an empty directory
    for line in vault.read("ls-tree", "-r", "-z", "--full-tree", f"{reference}:{FILES}").split(b"\0")[:-1]:
        described, _, path = line.partition(b"\t")
        kind, _, blob = described.split(b" ")
        yield kind, blob, names.original(path)


def _write(source: IO[bytes], blob: bytes, path: bytes, kind: bytes) -> None:
    described = source.readline()
    if not described.startswith(b"%s blob " % blob):
        cause = "the snapshot is damaged"
        raise Refused(cause)
    left = int(described.rpartition(b" ")[2])
    if kind == _LINK:
        os.symlink(source.read(left), path)
    else:
        rights = 0o755 if kind == b"100755" else 0o644
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, rights), "wb") as file:
            os.fchmod(file.fileno(), rights)
            while left:
                piece = source.read(min(left, _PIECE))
                file.write(piece)
                left -= len(piece)
    source.read(1)  # the line's end


def _branch(files: Path) -> str:
    """Return what a checkout's HEAD says, read as text: git is not asked in a directory that was somebody's."""
    head = files / ".git" / "HEAD"
    if head.is_symlink() or not head.is_file():
        return ""
    text = head.read_text(errors="replace").strip()
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else ""
