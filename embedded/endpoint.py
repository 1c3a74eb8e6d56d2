"""The file by which a running installation is found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded import private_files


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where everything is, and the owner's key; the file is 0600 for that reason."""

    gateway: str
    services: Mapping[str, str]
    metrics: Mapping[str, str]
    pids: Mapping[str, int]
    user_id: str
    account_id: str
    api_key: str

    def write(self, path: Path) -> None:
        """Replace the file."""
        private_files.write_json(path, asdict(self))


def read(path: Path) -> Endpoint | None:
    """Return what the file says, or None when there is none."""
    try:
        return Endpoint(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
