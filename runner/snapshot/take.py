"""Takes a snapshot: every file of a directory as it is, `.git` and what it ignores too, as the tree of one commit.

A commit of git knows of a file's rights only whether it may be executed, and of no empty folder. So `modes` beside the
`files` names what has other rights than git would give it, and every folder; `facts` says what there is, for people.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO

from chassis import faults
from runner.snapshot import names
from runner.snapshot.errors import Changed, Refused
from runner.snapshot.tree import Entry, shown
from runner.snapshot.vault import Vault

FILES, MODES, FACTS = "files", "modes", "facts"
ENTRIES = 2_000_000
"""Files and folders of one snapshot: more than any checkout has, and few enough for memory."""

_PIECE = 1 << 20  # bytes read at once
_MIDWAY = faults.Point("snapshot.midway", "A file was written, and the snapshot has no name.")
_AFTER_IMPORT = faults.Point("snapshot.after_import", "The snapshot has its name, and nobody was told.")


@dataclass(slots=True)
class Taken:
    """How much a snapshot holds."""

    files: int = 0
    size_bytes: int = 0
    repositories: int = 0
    """Repositories in it, submodules' too, beside that of the directory itself."""


def take(vault: Vault, reference: str, entries: Iterable[Entry], size_limit: int, facts: Mapping[str, object]) -> None:
    """Store what is read under a reference, or nothing at all.

    Args:
        vault: which is locked.
        reference: that does not exist.
        entries: of the directory.
        size_limit: bytes of all files together.
        facts: what else the snapshot is to say of itself.

    Raises:
        Refused: there is too much, it cannot be read, or git could not store it.
        Changed: somebody changed it meanwhile.
    """
    vault.prepare()
    taken = Taken()
    with vault.process("fast-import", "--quiet", "--done", "--depth=0") as git:
        stream = git.stdin
        assert stream is not None  # noqa: S101  # for the type checker
        stream.write(b"feature done\ncommit %s\n" % reference.encode())
        stream.write(b"committer Stateroom <> 0 +0000\n" + _data(b"Snapshot\n"))
        modes = b"".join(_store(stream, entries, taken, size_limit))
        told = json.dumps({**facts, **asdict(taken)}).encode()
        for name, content in ((MODES, modes), (FACTS, told)):
            stream.write(b"M 100644 inline %s\n%s" % (name.encode(), _data(content)))
        stream.write(b"done\n")
        stream.flush()
    _AFTER_IMPORT.reach()


def _store(stream: IO[bytes], entries: Iterable[Entry], taken: Taken, size_limit: int) -> Iterator[bytes]:
    """Hand on each entry; yield the lines of `modes`."""
    for number, entry in enumerate(entries):
        if number == ENTRIES:
            cause = f"it holds more than {ENTRIES} files and folders"
            raise Refused(cause)
        path = names.stored(entry.path)
        rights = stat.S_IMODE(entry.mode) & 0o777
        taken.repositories += entry.path.endswith(b"/.git")
        if entry.descriptor is not None:
            _count(taken, entry, size_limit)
            executable = bool(rights & stat.S_IXUSR)
            stream.write(b"M %s inline %s\n" % (b"100755" if executable else b"100644", _quoted(path)))
            _copy(stream, entry)
            if rights != (0o755 if executable else 0o644):
                yield b"%o %s\0" % (rights, path)
            _MIDWAY.reach()
        elif entry.target is not None:
            stream.write(b"M 120000 inline %s\n" % _quoted(path) + _data(entry.target))
        else:
            yield b"%o %s/\0" % (rights, path)


def _count(taken: Taken, entry: Entry, size_limit: int) -> None:
    taken.files += 1
    taken.size_bytes += entry.size
    if taken.size_bytes > size_limit:
        cause = f"it holds more than {size_limit} bytes, as counted up to {shown(entry.path)} of {entry.size}"
        raise Refused(cause)


def _copy(stream: IO[bytes], entry: Entry) -> None:
    """Write a file's bytes, exactly as many as it had when it was opened."""
    assert entry.descriptor is not None  # noqa: S101  # for the type checker
    stream.write(b"data %d\n" % entry.size)
    left = entry.size
    while left:
        piece = os.read(entry.descriptor, min(left, _PIECE))
        if not piece:
            raise Changed(shown(entry.path))
        stream.write(piece)
        left -= len(piece)
    stream.write(b"\n")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    """Return a path below `files` as git's fast-import reads it."""
    escaped = path.replace(b"\\", rb"\\").replace(b'"', rb"\"").replace(b"\n", rb"\n")
    return b'"%s/%s"' % (FILES.encode(), escaped)
