"""`stateroom up`, `status` and `down`: an installation on this machine, run by the supervisor."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli.context import JsonOption

Data = Annotated[Path, typer.Option("--data", help="Folder of everything it keeps.")]

KeepSessions = Annotated[
    bool, typer.Option("--keep-sessions", help="What runs in rooms goes on; start again to reach it.")
]


def up(
    data: Data = Path(".stateroom"),
    http: Annotated[
        int, typer.Option("--http", min=0, max=65_535, help="Port of the gateway; 0 takes a free one.")
    ] = 0,
) -> None:
    """Start an installation here and stay; Ctrl-C stops it."""
    _become_supervisor("up", f"--data={data}", *([f"--http={http}"] if http else []))


def down(data: Data = Path(".stateroom"), *, keep_sessions: KeepSessions = False) -> None:
    """Stop the installation that runs here; everything is kept."""
    _become_supervisor("down", f"--data={data}", *(["--keep-sessions"] if keep_sessions else []))


def status(
    data: Data = Path(".stateroom"),
    as_json: JsonOption = False,
) -> None:
    """Show what runs here, how it is, and where its metrics are; exit code 1 when a part is not ready."""
    _become_supervisor("status", f"--data={data}", *(["--json"] if as_json else []))


def _become_supervisor(*arguments: str) -> NoReturn:
    """Replace this process, so that signals meant for the supervisor reach it."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", "embedded", *arguments])  # noqa: S606  # no shell on purpose
