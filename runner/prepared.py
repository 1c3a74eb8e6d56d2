"""That a room's directory is ready is a fact on disk, so it survives whoever made it."""

import json
import shutil
from pathlib import Path

_MARKER = "prepared.json"


def is_prepared(room: Path) -> bool:
    """Whether the directory is ready."""
    return (room / _MARKER).is_file()


def branch(room: Path) -> str:
    """Return the branch with which a directory was made that is ready."""
    return str(json.loads((room / _MARKER).read_text())["branch"])


def finish(room: Path, incoming: Path, branch_: str) -> None:
    """Put what was made where it belongs, and note that it is ready."""
    files = room / "files"
    if files.exists() and any(files.iterdir()):
        shutil.rmtree(incoming)  # an earlier preparation got this far; what is there may be somebody's work
    else:
        incoming.rename(files)
    _note(room, branch_, "")


def restoration(room: Path) -> str:
    """Return the restoration that made a directory; empty when it was made otherwise, or is not ready."""
    return str(json.loads((room / _MARKER).read_text()).get("restoration", "")) if is_prepared(room) else ""


def replace(room: Path, incoming: Path, branch_: str, restoration_: str) -> Path:
    """Put what was made of a save where it belongs, and note that it is ready. Returns where that is which was there.

    Until it is noted, whoever looks finds a directory that is not ready.
    """
    files, replaced = room / "files", room / "replaced"
    (room / _MARKER).unlink(missing_ok=True)
    if files.exists():
        files.rename(replaced)
    incoming.rename(files)
    _note(room, branch_, restoration_)
    return replaced


def _note(room: Path, branch_: str, restoration_: str) -> None:
    marker = room / f"{_MARKER}.new"
    marker.write_text(json.dumps({"branch": branch_, "restoration": restoration_}))
    marker.rename(room / _MARKER)
