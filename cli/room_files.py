"""What all commands on files of a room share: their arguments, the path of the files in the API, what they print."""

import posixpath
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.render import Output

Workspace = Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")]
Place = Annotated[str, typer.Argument(metavar="PATH", help="In the room, such as src/main.py.")]
Directory = Annotated[str, typer.Argument(metavar="[DIRECTORY]", help="In the room; all of it when left out.")]
Etag = Annotated[str, typer.Option(help="Only if it is still this version, as --json shows it.")]

FIELDS = ("path", "kind", "sizeBytes", "mode", "modifyTime", "etag", "linkTarget")

Work = Callable[[Client, Output, str], Awaitable[None]]


def run(workspace: str, work: Work, *, account: str, as_json: bool) -> None:
    """Do something with the path of a room's files in the API."""

    async def found(client: Client, output: Output) -> None:
        identity = quote(await resolve.workspace_id(client, workspace), safe="")
        await work(client, output, f"/v1/workspaces/{identity}/files")

    context.run(found, as_json=as_json, account=account)


def plain(path: str) -> str:
    """Return a path without what only people write: `./a`, `a/`, and `.` for the room itself."""
    plain = posixpath.normpath(path) if path and ".." not in path.split("/") else path
    return "" if plain == "." else plain


def tell(output: Output, done: Json) -> None:
    """Print what was done where the server says nothing of it."""
    if output.as_json:
        output.json(done)
    else:
        output.say(", ".join(f"{name} {value}" for name, value in done.items() if value != ""))
