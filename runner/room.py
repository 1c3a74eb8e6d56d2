"""The runner's own folder: its parts, and the file by which others find it again."""

import json
import os
import shutil
from pathlib import Path

from chassis import processes

_FOLDERS = ("files", "home", "spool", "root", "staging", "tmp")


def prepare(room: Path, socket: Path | None = None) -> None:
    """Make the folders that are missing, for nobody but us, and remove a socket that a dead runner left."""
    for folder in (room, *(room / name for name in _FOLDERS)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():  # a disk that was mounted for us may belong to root
            folder.chmod(0o700)
    if socket is not None:
        socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket.unlink(missing_ok=True)


def forget_temporary(room: Path) -> None:
    """Remove the temporary files of programs that ended with an earlier runner, as far as that is possible."""
    shutil.rmtree(room / "tmp", ignore_errors=True)


def announce(room: Path, runner_id: str, address: str) -> None:
    """Write `runner.json`: who runs here, told apart from any later process with the same pid."""
    described = {"runner_id": runner_id, "address": address} | processes.describe_self()
    fresh = room / "runner.json.new"
    fresh.write_text(json.dumps(described))
    fresh.chmod(0o600)
    fresh.rename(room / "runner.json")
