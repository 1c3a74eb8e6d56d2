"""Settings from the environment. Plain, not pydantic: a runner lives in every room, and memory is what it costs."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chassis import faults
from runner.sandbox import Level

WRONG_SETTING = 3
"""Exit code of a process that cannot start with its settings."""

_SOCKET_BYTES = 107
"""The longest path that a unix socket may have on Linux."""

_SPOOL_BYTES = 256 * 1024 * 1024
"""What one terminal keeps before its programs wait: hours of ordinary output, or a long outage of the database."""


_SMALLEST_SPOOL = 1024 * 1024
"""The file that is written to is never dropped, so it must be a small part of the limit."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a runner is told at its start.

    Attributes:
        room: ROOM_DIRECTORY, which holds `files`, `home` and `spool`.
        socket: SOCKET, where it serves.
        hidden: HIDDEN_DIRECTORIES, separated by colons: what no program may see, beside the rooms and the sockets.
        spool_bytes: SPOOL_BYTES, the limit of one terminal's spool.
        sandbox: SANDBOX, a level that must be used; None for the strongest that works.
        fault: FAULT, for tests only: where this process dies; the form stands in `chassis.faults`.
    """

    workspace_id: str
    runner_id: str
    room: Path
    socket: Path
    hidden: tuple[Path, ...]
    allow_local: bool
    spool_bytes: int
    sandbox: Level | None
    fault: str
    log_level: str
    log_format: str


def load() -> Settings:
    """Return the settings, or print one line for each wrong one and exit with code 3."""
    wrong = [
        f"{name}: must be set" for name in ("WORKSPACE_ID", "RUNNER_ID", "ROOM_DIRECTORY", "SOCKET") if not _get(name)
    ]
    wrong += [
        f"{name}: must be an absolute path" for name in ("ROOM_DIRECTORY", "SOCKET") if not _get(name).startswith("/")
    ]
    if len(_get("SOCKET").encode()) > _SOCKET_BYTES:
        wrong.append(f"SOCKET: must not be longer than {_SOCKET_BYTES} bytes")
    spool_bytes = _get("SPOOL_BYTES", str(_SPOOL_BYTES))
    if not spool_bytes.isdecimal() or int(spool_bytes) < _SMALLEST_SPOOL:
        wrong.append(f"SPOOL_BYTES: must be a number of bytes, at least {_SMALLEST_SPOOL}")
    if _get("SANDBOX", "auto") not in ("auto", *Level):
        wrong.append(f"SANDBOX: must be auto, {', '.join(Level)}")
    try:
        faults.check(_get("FAULT"))
    except ValueError as error:
        wrong.append(f"FAULT: {error}")
    if wrong:
        refuse(*wrong)
    return Settings(
        workspace_id=_get("WORKSPACE_ID"),
        runner_id=_get("RUNNER_ID"),
        room=Path(_get("ROOM_DIRECTORY")).resolve(),
        socket=Path(_get("SOCKET")),
        hidden=tuple(Path(path).resolve() for path in _get("HIDDEN_DIRECTORIES").split(os.pathsep) if path),
        allow_local=_get("ALLOW_LOCAL_REPOSITORIES").lower() in ("1", "true", "yes", "on"),
        spool_bytes=int(spool_bytes),
        sandbox=None if _get("SANDBOX", "auto") == "auto" else Level(_get("SANDBOX")),
        fault=_get("FAULT"),
        log_level=_get("LOG_LEVEL", "WARNING"),
        log_format=_get("LOG_FORMAT", "json"),
    )


def refuse(*lines: str) -> NoReturn:
    """Print why the process cannot start, and exit."""
    sys.stderr.write("".join(f"runner: {line}\n" for line in lines))
    sys.exit(WRONG_SETTING)


def _get(name: str, default: str = "") -> str:
    return os.environ.get(name, default)  # noqa: TID251  # these are the settings
