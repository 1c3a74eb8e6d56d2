"""Copies between this machine and a room: `get`, `put`, `download` and `upload` of `stateroom file`."""

import posixpath
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from cli import transfers
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.errors import WrongUse
from cli.render import Output
from cli.room_files import FIELDS, Directory, Etag, Place, Workspace, plain, run, tell

Force = Annotated[bool, typer.Option("--force", help="Replace a local file.")]

FORMATS = {".tar": "TAR", ".tar.gz": "TAR_GZ", ".tgz": "TAR_GZ", ".zip": "ZIP"}
"""Ends of an archive's name → its form."""


def get(
    workspace: Workspace,
    path: Place,
    local: Annotated[str, typer.Argument(metavar="[LOCAL]", help="Its own name here when left out; - prints it.")] = "",
    force: Force = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a file from the room to this machine."""

    async def work(client: Client, output: Output, files: str) -> None:
        target = local or posixpath.basename(path)
        async with client.content(f"{files}:read", path=plain(path)) as content:
            size = await transfers.received(output, content, target, force=force)
        tell(output, {"path": path, "local": target, "sizeBytes": size})

    run(workspace, work, account=account, as_json=as_json)


def put(
    workspace: Workspace,
    local: Annotated[str, typer.Argument(metavar="LOCAL", help="A file of this machine; - for standard input.")],
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="In the room; its own name when left out.")] = "",
    etag: Etag = "",
    new: Annotated[bool, typer.Option("--new", help="Only if there is no such file yet.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a file from this machine to the room, in one step."""
    if not path and local == transfers.STANDARD:
        msg = "standard input has no name: give a PATH"
        raise typer.BadParameter(msg)

    async def work(client: Client, output: Output, files: str) -> None:
        wishes = {"etag": etag} if etag else {}
        wishes |= {"ifAbsent": "true"} if new else {}
        target = plain(path or Path(local).name)
        with ExitStack() as stack:
            if local != transfers.STANDARD:
                stack.enter_context(transfers.opened(local))  # says what is wrong before anything is sent
            content = transfers.sent(output, local)
            made = await client.send_content("PUT", f"{files}:write", content, path=target, **wishes)
        output.resource(made, FIELDS)

    run(workspace, work, account=account, as_json=as_json)


def download(
    workspace: Workspace,
    directory: Directory = "",
    local: Annotated[str, typer.Option("--to", metavar="LOCAL", help="NAME.tar, .tar.gz or .zip; - for tar.")] = "",
    force: Force = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a directory of the room to this machine as an archive, without `.git`."""
    target = local or f"{posixpath.basename(plain(directory)) or 'workspace'}.tar"
    form = "TAR" if target == transfers.STANDARD else _form(target)

    async def work(client: Client, output: Output, files: str) -> None:
        async with client.content(f"{files}:download", path=plain(directory), format=form) as content:
            size = await transfers.received(output, content, target, force=force)
        tell(output, {"path": directory, "local": target, "sizeBytes": size})

    run(workspace, work, account=account, as_json=as_json)


def upload(
    workspace: Workspace,
    local: Annotated[str, typer.Argument(metavar="LOCAL", help="An archive (.tar, .tar.gz, .zip), or a folder.")],
    directory: Directory = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Unpack an archive, or copy a folder, into the room: all of it, or nothing."""
    is_folder = Path(local).is_dir()
    form = "TAR" if is_folder else _form(local)

    async def work(client: Client, output: Output, files: str) -> None:
        with ExitStack() as stack:
            source = stack.enter_context(transfers.packed(Path(local))) if is_folder else local
            stack.enter_context(transfers.opened(source))
            content = transfers.sent(output, source)
            place = {"path": plain(directory), "format": form}
            made = await client.send_content("POST", f"{files}:upload", content, **place)
        output.resource(made, ("fileCount", "sizeBytes"))

    run(workspace, work, account=account, as_json=as_json)


def _form(name: str) -> str:
    form = next((form for end, form in FORMATS.items() if name.endswith(end)), None)
    if form is None:
        msg = f"{name}: an archive's name ends with {', '.join(FORMATS)}."
        raise WrongUse(msg)
    return form
