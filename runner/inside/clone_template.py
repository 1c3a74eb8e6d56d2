"""Puts the files of a template into the workspace, without its history: none when one of them is there already."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.inside import git
from runner.inside.files import check, not_editable
from runner.inside.report import Refused, say

_LISTED = 5  # files that a refusal names


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Clone with the arguments that the runner gives, beside the workspace, and move what came. Refused."""
    incoming, target = Path(order["incoming"]), _target(order["clone_template"].get("directory", ""))
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        say(f"Cloning {order['clone_template']['repository_url']}")
        git.run(*order["clone"])
        commit = git.run("-C", str(incoming), "rev-parse", "--verify", "HEAD").decode().strip()
        shutil.rmtree(incoming / ".git")
        count = sum(len(files) for _, _, files in os.walk(incoming))
        try:
            _expect_free(incoming, target)
            _move(incoming, target)
        except OSError as error:
            raise not_editable(str(target), (error.strerror or "cannot be written").lower()) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    say(f"{count} files of {commit}")
    return {"cloned_template": {"commit_id": commit, "file_count": count}}


def _target(directory: str) -> Path:
    """Return the folder that is wanted, once nothing on the way to it is a link or a file. PATH_NOT_ALLOWED."""
    target = Path()
    for part in check(directory).split("/") if directory else ():
        target /= part
        if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
            raise not_editable(directory, "is no folder")
    return target


def _expect_free(incoming: Path, target: Path) -> None:
    taken = list(_conflicts(incoming, target))
    if taken:
        more = f" and {len(taken) - _LISTED} more" if len(taken) > _LISTED else ""
        reason = "FILE_EXISTS"
        raise Refused(reason, f"there already: {', '.join(taken[:_LISTED])}{more}", path=taken[0])


def _conflicts(incoming: Path, target: Path) -> Iterator[str]:
    """Yield the paths at which both have something, folders aside that both have."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        yield str(target)
        return
    for entry in sorted(incoming.iterdir()):
        there = target / entry.name
        if not os.path.lexists(there):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _conflicts(entry, there)
        else:
            yield str(there)


def _move(incoming: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(incoming.iterdir()):
        there = target / entry.name
        if os.path.lexists(there):
            _move(entry, there)
        else:
            entry.rename(there)
