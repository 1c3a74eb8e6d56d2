"""Settings from the environment. Plain, not pydantic: a runner lives in every room, and memory is what it costs."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chassis import faults
from runner.credentials import Credentials, Unusable
from runner.sandbox import Level

WRONG_SETTING = 3
"""Exit code of a process that cannot start with its settings."""

_SOCKET_BYTES = 107
"""The longest path that a unix socket may have on Linux."""

_ADDRESS = re.compile(r"[^\s]+:[1-9]\d{0,4}")

_SPOOL_BYTES = str(256 * 1024 * 1024)
"""What one terminal keeps before its programs wait: hours of ordinary output, or a long outage of the database."""


_SMALLEST_SPOOL = 1024 * 1024
"""The file that is written to is never dropped, so it must be a small part of the limit."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a runner is told at its start.

    Attributes:
        room: ROOM_DIRECTORY, which holds `files`, `home` and `spool`.
        listen: where it serves: at SOCKET, or on the network, as LISTEN says, if it has a machine of its own.
        credentials: those of CREDENTIALS_DIRECTORY, by which it serves on the network.
        hidden: what no program may see: HIDDEN_DIRECTORIES, separated by colons, and our own beside them.
        spool_bytes: SPOOL_BYTES, the limit of one terminal's spool.
        sandbox: SANDBOX, a level that must be used; None for the strongest that works.
        sandbox_at_least: SANDBOX_AT_LEAST, the weakest level that may be used.
        fault: FAULT, for tests only: where this process dies; the form stands in `chassis.faults`.
    """

    workspace_id: str
    runner_id: str
    room: Path
    listen: str
    credentials: Credentials | None
    hidden: tuple[Path, ...]
    allow_local: bool
    spool_bytes: int
    sandbox: Level | None
    sandbox_at_least: Level
    fault: str
    log_level: str
    log_format: str

    @property
    def temporary(self) -> Path | None:
        """The machine's own folder for temporary files, if it has no other room, and nothing to hide in there."""
        folder = Path("/tmp")  # noqa: S108  # it is the one meant
        shared = self.credentials is None or any(hidden.is_relative_to(folder) for hidden in self.hidden)
        return None if shared else folder

    @property
    def socket(self) -> Path | None:
        """Where it serves, unless that is on the network."""
        return Path(self.listen.removeprefix("unix:")) if self.credentials is None else None


def load() -> Settings:
    """Return the settings, or print one line for each wrong one and exit with code 3."""
    wrong = [*_wrong_places(), *_wrong_limits()]
    if wrong:
        refuse(*wrong)
    try:
        credentials = Credentials.read(Path(folder)) if (folder := _get("CREDENTIALS_DIRECTORY")) else None
    except Unusable as error:
        refuse(f"CREDENTIALS_DIRECTORY: {error}")
    room = Path(_get("ROOM_DIRECTORY")).resolve()
    return Settings(
        workspace_id=_get("WORKSPACE_ID"),
        runner_id=_get("RUNNER_ID"),
        room=room,
        listen=_get("LISTEN") or f"unix:{_get('SOCKET')}",
        credentials=credentials,
        hidden=tuple(
            Path(path).resolve() for path in (*_get("HIDDEN_DIRECTORIES").split(os.pathsep), *_own(room)) if path
        ),
        allow_local=_get("ALLOW_LOCAL_REPOSITORIES").lower() in ("1", "true", "yes", "on"),
        spool_bytes=int(_get("SPOOL_BYTES", _SPOOL_BYTES)),
        sandbox=None if _get("SANDBOX", "auto") == "auto" else Level(_get("SANDBOX")),
        sandbox_at_least=Level(_get("SANDBOX_AT_LEAST", Level.PROCESS)),
        fault=_get("FAULT"),
        log_level=_get("LOG_LEVEL", "WARNING"),
        log_format=_get("LOG_FORMAT", "json"),
    )


def _wrong_places() -> Iterator[str]:
    """Say what is wrong about where the runner works and serves."""
    needed = ("WORKSPACE_ID", "RUNNER_ID", "ROOM_DIRECTORY", "CREDENTIALS_DIRECTORY" if _get("LISTEN") else "SOCKET")
    yield from (f"{name}: must be set" for name in needed if not _get(name))
    paths = ("ROOM_DIRECTORY", "SOCKET", "CREDENTIALS_DIRECTORY")
    yield from (f"{name}: must be an absolute path" for name in paths if _get(name) and not _get(name).startswith("/"))
    if len(_get("SOCKET").encode()) > _SOCKET_BYTES:
        yield f"SOCKET: must not be longer than {_SOCKET_BYTES} bytes"
    if _get("LISTEN") and _get("SOCKET"):
        yield "SOCKET: must not be set beside LISTEN; a runner serves at one of them"
    if _get("LISTEN") and not _ADDRESS.fullmatch(_get("LISTEN")):
        yield "LISTEN: must be <address>:<port>, and the port not 0"
    if _get("CREDENTIALS_DIRECTORY") and not _get("LISTEN"):
        yield "CREDENTIALS_DIRECTORY: must be set with LISTEN only; at a socket the token stands on standard input"


def _wrong_limits() -> Iterator[str]:
    """Say what is wrong about how it works."""
    spool_bytes = _get("SPOOL_BYTES", _SPOOL_BYTES)
    if not spool_bytes.isdecimal() or int(spool_bytes) < _SMALLEST_SPOOL:
        yield f"SPOOL_BYTES: must be a number of bytes, at least {_SMALLEST_SPOOL}"
    sandbox, at_least = _get("SANDBOX", "auto"), _get("SANDBOX_AT_LEAST", Level.PROCESS)
    if sandbox not in ("auto", *Level):
        yield f"SANDBOX: must be auto, {', '.join(Level)}"
    if at_least not in list(Level):
        yield f"SANDBOX_AT_LEAST: must be {', '.join(Level)}"
    elif sandbox not in ("auto", *Level(at_least).and_stronger):
        yield f"SANDBOX: must not be weaker than SANDBOX_AT_LEAST, which is {at_least}"
    try:
        faults.check(_get("FAULT"))
    except ValueError as error:
        yield f"FAULT: {error}"


def _own(room: Path) -> tuple[str, ...]:
    """Return the folders of ours: on the network the machine has no other room, but it has the credentials."""
    if _get("LISTEN"):
        return (str(room), _get("CREDENTIALS_DIRECTORY"))
    return (str(room.parent), str(Path(_get("SOCKET")).parent))


def refuse(*lines: str) -> NoReturn:
    """Print why the process cannot start, and exit."""
    sys.stderr.write("".join(f"runner: {line}\n" for line in lines))
    sys.exit(WRONG_SETTING)


def _get(name: str, default: str = "") -> str:
    return os.environ.get(name, default)  # noqa: TID251  # these are the settings
