"""Snapshots on their way out of a room and into another: packs of git, on the standard streams of this process."""

import sys
from collections.abc import Sequence
from typing import IO

from runner.snapshot.errors import Refused
from runner.snapshot.vault import Vault

_PIECE = 1 << 20  # bytes handed on at once


def write(vault: Vault, reference: str, base: str) -> None:
    """Write what a snapshot needs and a commit does not; all of it for an empty `base`.

    Raises:
        Refused: git could not, so what was written is not all.
    """
    revisions = [reference, f"^{base}^{{tree}}"] if base else [reference]
    with vault.process("pack-objects", "--revs", "--stdout", "--quiet", output=sys.stdout.buffer) as git:
        assert git.stdin is not None  # noqa: S101  # for the type checker
        git.stdin.write("".join(f"{revision}\n" for revision in revisions).encode())


def read(vault: Vault, reference: str, commit: str, sizes: Sequence[int], source: IO[bytes]) -> None:
    """Store packs that follow each other in a stream, and name the commit that is in them.

    Raises:
        Refused: they are not what they should be, or do not fit onto the disk.
    """
    vault.prepare()
    for size in sizes:
        with vault.process("index-pack", "--stdin") as git:
            assert git.stdin is not None  # noqa: S101  # for the type checker
            left = size
            while left:
                piece = source.read(min(left, _PIECE))
                if not piece:
                    cause = "the save ends before its end"
                    raise Refused(cause)
                git.stdin.write(piece)
                left -= len(piece)
    vault.read("update-ref", reference, commit)
