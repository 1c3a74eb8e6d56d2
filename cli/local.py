"""`stateroom up`, `status` and `down`: an installation on this machine, run by the supervisor."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli import endpoint, environment
from cli.context import JsonOption

Data = Annotated[Path, typer.Option("--data", help="Folder of everything it keeps.")]

KeepSessions = Annotated[
    bool, typer.Option("--keep-sessions", help="What runs in rooms goes on; start again to reach it.")
]


HERE = Path(".stateroom")


def up(
    data: Data = HERE,
    http: Annotated[
        int, typer.Option("--http", min=0, max=65_535, help="Port of the gateway; 0 takes a free one.")
    ] = 0,
) -> None:
    """Start an installation here and stay; Ctrl-C stops it, and the sessions."""
    _become("embedded", "up", f"--data={data}", *([f"--http={http}"] if http else []))


def down(data: Data = HERE, *, keep_sessions: KeepSessions = False) -> None:
    """Stop the installation that runs here; rooms, files and logs are kept."""
    _become("embedded", "down", f"--data={_nearest(data)}", *(["--keep-sessions"] if keep_sessions else []))


def status(
    data: Data = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show what runs here and how it is.

    With the addresses of all parts and of their metrics; exit code 1 when a part is not ready.
    """
    _become("embedded", "status", f"--data={_nearest(data)}", *(["--json"] if as_json else []))


def doctor(
    data: Data = HERE,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="Look at an installation in a cluster instead, by $KUBECONFIG.")
    ] = False,
    namespace: Annotated[str, typer.Option("--namespace", help="Of that; the kubeconfig's unless it is said.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what is missing or degraded here or in a cluster, and what to do about it.

    It looks at this machine, and at the installation if one runs; or at one in a cluster, where it only reads. Exit
    code 1 when something does not work.
    """
    cluster = ["--kubernetes", f"--namespace={namespace}"]
    where = cluster if kubernetes else [f"--data={_nearest(data).absolute()}"]
    _become("doctor", *where, *(["--json"] if as_json else []))


def keys(
    directory: Annotated[
        Path | None, typer.Option("--directory", help="Where they are kept; what is there is never replaced.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="files, a folder for each part; or secret, a manifest for kubectl.")
    ] = "files",
    into: Annotated[Path | None, typer.Option("--into", help="Where the folders are made; DIRECTORY/parts.")] = None,
    name: Annotated[str, typer.Option("--name", help="Beginning of the names of Secrets.")] = "stateroom",
    database: Annotated[str, typer.Option("--database", help="host:port of PostgreSQL.")] = "postgres:5432",
    nats: Annotated[str, typer.Option("--nats", help="host:port of NATS.")] = "nats:4222",
) -> None:
    """Make all keys and passwords of an installation that containers run.

    Each part gets its own and nothing of others. Doing it again changes
    nothing; without a directory, each time makes new ones.
    """
    places = {"--directory": directory, "--into": into}
    given = [f"{option}={place}" for option, place in places.items() if place is not None]
    _become(
        "embedded", "keys", *given, f"--format={form}", f"--name={name}", f"--database={database}", f"--nats={nats}"
    )


def _nearest(data: Path) -> Path:
    """Return the folder, or the first of that name above, where every other command finds the installation as well."""
    if data == HERE:
        return next((place for place in endpoint.data_folders(environment.read(), Path.cwd()) if place.is_dir()), data)
    return data


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process, so that signals meant for the other reach it."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606  # no shell on purpose
