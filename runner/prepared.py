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
    marker = room / f"{_MARKER}.new"
    marker.write_text(json.dumps({"branch": branch_}))
    marker.rename(room / _MARKER)
