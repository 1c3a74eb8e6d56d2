"""Files and folders that nobody but their owner may read."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

SECRET_BYTES = 24
"""192 random bits, 32 characters in URL-safe base64."""


def folder(path: Path) -> Path:
    """Make the folder with mode 0700, or tighten one that exists, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write(path: Path, content: str) -> None:
    """Replace the file in one step with mode 0600; a reader sees the old content or the new, never a part."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Replace the file with the value as JSON."""
    write(path, json.dumps(value, indent=2) + "\n")


def secret(path: Path) -> str:
    """Return the secret in the file; the first call makes it up."""
    if not path.exists():
        write(path, secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text()
