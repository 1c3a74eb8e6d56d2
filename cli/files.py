"""`stateroom file …`: files of a room."""

import posixpath
from typing import Annotated

import typer

from cli import file_copies, transfers
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output, visible
from cli.room_files import FIELDS, Directory, Etag, Place, Workspace, plain, run, tell

app = typer.Typer(no_args_is_help=True, help="Files of a room, also while nothing else runs in it.")
for command in (file_copies.get, file_copies.put, file_copies.download, file_copies.upload):
    app.command()(command)

COLUMNS = {"mode": "MODE", "sizeBytes": "SIZE", "modifyTime": "CHANGED", "name": "NAME"}


@app.command("ls")
def list_files(
    workspace: Workspace,
    directory: Directory = "",
    limit: LimitOption = 1000,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List a directory."""

    async def work(client: Client, output: Output, files: str) -> None:
        pages = client.pages(files, "files", limit=limit, path=plain(directory))
        found = [file async for file in pages]
        output.rows(found if as_json else [_row(file) for file in found], COLUMNS, empty="The directory is empty.")

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def cat(workspace: Workspace, path: Place, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Print a file as it is; with --json, what is known about it."""

    async def work(client: Client, output: Output, files: str) -> None:
        if as_json:
            output.json(await client.get(f"{files}:stat", path=plain(path)))
            return
        async with client.content(f"{files}:read", path=plain(path)) as content:
            await transfers.received(output, content, transfers.STANDARD, force=False)

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def mv(
    workspace: Workspace,
    path: Place,
    new_path: Annotated[str, typer.Argument(metavar="NEW_PATH", help="Where nothing is yet.")],
    etag: Etag = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Give a file or directory of the room another path."""

    async def work(client: Client, output: Output, files: str) -> None:
        body: Json = {"path": plain(path), "newPath": plain(new_path), "etag": etag}
        output.resource(await client.post(f"{files}:move", body), FIELDS)

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def cp(
    workspace: Workspace,
    path: Place,
    new_path: Annotated[str, typer.Argument(metavar="NEW_PATH", help="Where the copy is to be.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="A file may take the place of a file.")] = False,
    etag: Etag = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Copy a file or directory of the room to another path in it."""

    async def work(client: Client, output: Output, files: str) -> None:
        body: Json = {"path": plain(path), "newPath": plain(new_path), "etag": etag, "overwrite": overwrite}
        output.resource(await client.post(f"{files}:copy", body), FIELDS)

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def rm(
    workspace: Workspace,
    path: Place,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="A directory with all that is in it.")] = False,
    etag: Etag = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Delete a file or directory of the room."""

    async def work(client: Client, output: Output, files: str) -> None:
        wishes = {"path": plain(path), "recursive": "true" if recursive else "false", "etag": etag or "*"}
        await client.call("DELETE", files, parameters=wishes)
        tell(output, {"deleted": path})

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def mkdir(workspace: Workspace, path: Place, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Make a directory in the room, and those above it."""

    async def work(client: Client, output: Output, files: str) -> None:
        output.resource(await client.post(f"{files}:makeDirectory", {"path": plain(path)}), FIELDS)

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def watch(
    workspace: Workspace, directory: Directory = "", account: AccountOption = "", as_json: JsonOption = False
) -> None:
    """Print what changes in the room, until Ctrl-C."""

    async def work(client: Client, output: Output, files: str) -> None:
        async for message in client.stream(f"{files}:watch", path=plain(directory)):
            if as_json:
                output.json(message)
                continue
            for change in message["changes"]:
                slash = "/" if change["directory"] else ""
                typer.echo(f"{change['type'].lower():9} {visible(change['path'])}{slash}")
            if message["overflow"]:
                output.say("Some changes were lost, there were too many; list what matters again.")

    run(workspace, work, account=account, as_json=as_json)


@app.command()
def search(
    workspace: Workspace,
    query: Annotated[str, typer.Argument(metavar="TEXT", help="What lines, or names, hold.")],
    directory: Directory = "",
    regex: Annotated[bool, typer.Option("--regex", "-E", help="TEXT is a regular expression.")] = False,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Capitals are small letters too.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Search names of files.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 1000,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Search the files of the room. What git ignores is left out."""

    async def work(client: Client, output: Output, files: str) -> None:
        flags = {"regex": regex, "ignoreCase": ignore_case, "names": names}
        wishes = {name: "true" for name, wanted in flags.items() if wanted}
        stream = client.stream(f"{files}:search", path=plain(directory), query=query, limit=limit, **wishes)
        async for message in stream:
            for match in message["matches"]:
                if as_json:
                    output.json(match)
                else:
                    where = f"{match['path']}:{match['line']}: {match['text']}" if match["line"] else match["path"]
                    typer.echo(visible(where))
            if message["truncated"]:
                output.say(f"There is more; --limit shows more than {limit}.")

    run(workspace, work, account=account, as_json=as_json)


def _row(file: Json) -> Json:
    slash = "/" if file["kind"] == "DIRECTORY" else ""
    name = posixpath.basename(file["path"]) + slash
    target = f" -> {file['linkTarget']}" if file["linkTarget"] else ""
    return file | {"mode": f"{int(file['mode']):04o}", "name": name + target}
