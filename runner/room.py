"""The runner's own folder: its parts, and the file by which others find it again."""

import json
from pathlib import Path

from chassis import processes

_FOLDERS = ("files", "home", "spool", "root", "staging")


def prepare(room: Path, socket: Path) -> None:
    """Make the folders that are missing, for nobody but us, and remove a socket that a dead runner left."""
    for folder in (room, *(room / name for name in _FOLDERS)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)


def announce(room: Path, runner_id: str, socket: Path) -> None:
    """Write `runner.json`: who runs here, told apart from any later process with the same pid."""
    described = {"runner_id": runner_id, "socket": str(socket)} | processes.describe_self()
    fresh = room / "runner.json.new"
    fresh.write_text(json.dumps(described))
    fresh.chmod(0o600)
    fresh.rename(room / "runner.json")
