"""Unified diffs, applied by git to copies of the files."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from runner.inside import git
from runner.inside.files import File, Tree
from runner.inside.report import Refused

_UNSUPPORTED = re.compile(rb"^ (rename|copy) |^ (create|delete) mode (?!100)", re.MULTILINE)

_TOO_MUCH = "it renames or copies, or is about something else than regular files"


def paths(diff: bytes) -> list[str]:
    """Return the paths that a diff is about. PATCH_REFUSED when it cannot be read, or does more than change files."""
    with tempfile.TemporaryDirectory() as nowhere:
        listed = _apply(diff, Path(nowhere), "--numstat", "-z")
        if _UNSUPPORTED.search(_apply(diff, Path(nowhere), "--summary")):
            raise _refused(_TOO_MUCH)
    return [entry.split(b"\t", 2)[2].decode(errors="replace") for entry in listed.split(b"\0") if entry]


def apply(diff: bytes, files: Mapping[str, File | None]) -> dict[str, File | None]:
    """Return the files as a diff leaves them. PATCH_REFUSED."""
    with tempfile.TemporaryDirectory() as folder:
        copies = Tree(folder)
        for path, file in files.items():
            copies.write(path, file)
        _apply(diff, Path(folder), "--whitespace=nowarn")
        return {path: copies.read(path) for path in files}


def _apply(diff: bytes, folder: Path, *options: str) -> bytes:
    ceiling = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}  # where there is no repository, paths lead nowhere else
    done = git.start(("git", "apply", *options, "-"), stdin=diff, folder=folder, environment=ceiling)
    if done.returncode != 0:
        raise _refused(git.complaint(done.stderr))
    return done.stdout


def _refused(cause: str) -> Refused:
    reason = "PATCH_REFUSED"
    return Refused(reason, f"the patch does not apply: {cause}")
