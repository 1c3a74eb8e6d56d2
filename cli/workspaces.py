"""`stateroom workspace …`, or `ws` for short: rooms."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.progress import BarColumn, Progress, TextColumn

from cli import context, git_status, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused, WrongUse
from cli.render import Output, visible

app = typer.Typer(no_args_is_help=True, help="Workspaces: rooms with a git checkout. `ws` for short.")

Workspace = Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")]
ForceOption = Annotated[bool, typer.Option("--force", help="End the sessions that run in it.")]
FIELDS = (
    "name",
    "workspaceId",
    "state",
    "stateReason",
    "unsavedReason",
    "description",
    "metadata",
    "repositoryUrl",
    "branch",
    "sandbox",
    "createTime",
    "archiveTime",
    "deleteTime",
)
COLUMNS = {
    "name": "NAME",
    "state": "STATE",
    "repositoryUrl": "REPOSITORY",
    "branch": "BRANCH",
    "sandbox": "SANDBOX",
    "createTime": "CREATED",
}
"""Commands take the name, so the table can do without the id; `workspace show` and --json have it."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="1 to 50 letters, digits, _ and -.")],
    repo: Annotated[
        str, typer.Option(help="https URL, or a local path where the server allows it; empty for an empty room.")
    ] = "",
    branch: Annotated[str, typer.Option(help="The repository's default when empty.")] = "",
    description: Annotated[str, typer.Option(help="At most 200 characters.")] = "",
    wait: Annotated[bool, typer.Option(help="Follow the creation to its end.")] = True,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Create a room, and follow until it is ready."""

    async def work(client: Client, output: Output) -> None:
        body: Json = {"name": name, "repositoryUrl": repository(repo), "branch": branch, "description": description}
        workspace = await client.post("/v1/workspaces", {field: value for field, value in body.items() if value})
        if wait:
            workspace = await follow(client, output, workspace)
        output.resource(workspace, FIELDS)
        if workspace["state"] == "ERROR":
            reason = workspace.get("stateReason", "")
            again = f"Its name is free after: {program.name()} workspace delete {name}"
            msg = f"The workspace could not be made: {reason}\n{again}"
            raise Refused(msg)
        output.say(f"Open a terminal in it: {program.name()} session create {name} --attach")

    context.run(work, as_json=as_json, account=account)


def repository(text: str) -> str:
    """Return a local path in full, because the server stands in another folder; anything else as it is."""
    named_as_path = text in {".", "..", "~"} or text.startswith(("./", "../", "~/", "/"))
    return str(Path(text).expanduser().resolve()) if named_as_path else text


async def follow(client: Client, output: Output, workspace: Json) -> Json:
    """Show the progress of a creation and return the workspace as it is at the end."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %")
    silent = output.as_json or not output.messages.is_terminal
    with Progress(*columns, console=output.messages, transient=True, disable=silent) as bar:
        task = bar.add_task("Creating", total=100)
        async for latest in client.stream(f"/v1/workspaces/{workspace['workspaceId']}:watch"):
            workspace = latest
            progress = workspace.get("progress") or {}
            step = visible(progress.get("step") or "Creating")
            bar.update(task, description=step, completed=int(progress.get("percent", 0)))
            if workspace["state"] != "CREATING":
                break
    return workspace


@app.command("list")
def list_workspaces(
    state: Annotated[str, typer.Option(help="Only these: CREATING, ACTIVE, ERROR or ARCHIVED.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Only those that were deleted.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the account's rooms, newest first."""
    if state and deleted:
        msg = "--state and --deleted exclude each other"
        raise typer.BadParameter(msg)

    async def work(client: Client, output: Output) -> None:
        filters = {"state": state.upper()} if state else {}
        filters |= {"state": "DELETED", "showDeleted": "true"} if deleted else {}
        pages = client.pages("/v1/workspaces", "workspaces", limit=limit, **filters)
        output.rows([workspace async for workspace in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(workspace: Workspace, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a room."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(await _path(client, workspace)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def status(workspace: Workspace, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show what git says about a room.

    That is its branch, the last commit, and what is not committed.
    """

    async def work(client: Client, output: Output) -> None:
        found = await client.get(f"{await _path(client, workspace)}/git/status")
        if as_json:
            output.json(found)
            return
        output.resource(git_status.summary(found), git_status.FIELDS)
        output.rows(git_status.files(found), git_status.COLUMNS, empty="Everything is committed.")

    context.run(work, as_json=as_json, account=account)


@app.command()
def update(
    workspace: Workspace,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    description: Annotated[str | None, typer.Option(help="At most 200 characters; empty for none.")] = None,
    metadata: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set; may be repeated.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Remove this metadata; may be repeated.")
    ] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change what a room is called and what is said about it."""

    async def work(client: Client, output: Output) -> None:
        path = await _path(client, workspace)
        current = await client.get(path)
        body: Json = {"name": name, "description": description}
        body = {field: value for field, value in body.items() if value is not None}
        if metadata or remove:
            kept = {key: value for key, value in current.get("metadata", {}).items() if key not in (remove or ())}
            body["metadata"] = kept | dict(resolve.pair(text) for text in metadata or ())
        if not body:
            msg = "Nothing to change: give --name, --description, --metadata or --remove."
            raise WrongUse(msg)
        output.resource(await client.update(path, body, etag=current["etag"]), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def archive(
    workspace: Workspace,
    force: ForceOption = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Put a room away: nothing runs in it, its files are kept."""
    _act(workspace, "POST", ":archive", {"force": force}, account=account, as_json=as_json)


@app.command()
def unarchive(workspace: Workspace, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Make an archived room active again."""
    _act(workspace, "POST", ":unarchive", {}, account=account, as_json=as_json)


@app.command()
def delete(
    workspace: Workspace,
    force: ForceOption = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Delete a room. Its files are kept for a while, and saved."""
    _act(workspace, "DELETE", "?force=true" if force else "", None, account=account, as_json=as_json)


@app.command()
def undelete(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Id, or the name when one such was deleted.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Bring a deleted room back: archived, with its files."""

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/workspaces/{await resolve.deleted_workspace_id(client, workspace)}:undelete"
        output.resource(await client.post(path, {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _act(workspace: str, method: str, verb: str, body: Json | None, *, account: str, as_json: bool) -> None:
    """Call a verb of a workspace and print what became of it."""

    async def work(client: Client, output: Output) -> None:
        path = await _path(client, workspace)
        output.resource(await client.call(method, f"{path}{verb}", body=body), FIELDS)

    context.run(work, as_json=as_json, account=account)


async def _path(client: Client, workspace: str) -> str:
    return f"/v1/workspaces/{quote(await resolve.workspace_id(client, workspace), safe='')}"
