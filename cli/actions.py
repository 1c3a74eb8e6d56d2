"""`stateroom action …`: what is done in a room because of a conversation."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused, WrongUse
from cli.render import Output
from cli.workspaces import repository

app = typer.Typer(no_args_is_help=True, help="Actions: what is done in the room of a context.")

Context = Annotated[str, typer.Argument(metavar="CONTEXT", help="Id.")]
Action = Annotated[str, typer.Argument(metavar="ACTION", help="Id.")]
WaitOption = Annotated[bool, typer.Option(help="Follow it to its end.")]
FIELDS = ("actionId", "type", "state", "message", "path", "edit", "sessionId", "previewId", "createTime", "endTime")
COLUMNS = {"actionId": "ID", "type": "TYPE", "state": "STATE", "message": "FAILURE", "createTime": "CREATED"}
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}

_LOOK = 0.2  # seconds between looks at an action
_REPORT = b"\n\x1e"  # behind it stands the report for programs


@app.command()
def clone(
    identity: Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="https URL, or a local path where the server allows it.")],
    branch: Annotated[str, typer.Option(help="The template's default when empty.")] = "",
    directory: Annotated[str, typer.Option(help="Where its files go; the workspace itself when empty.")] = "",
    wait: WaitOption = True,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Put the files of a template into the room, without its history."""
    payload = {"repositoryUrl": repository(url), "branch": branch, "directory": directory}
    _request(identity, {"cloneTemplate": payload}, wait=wait, account=account, as_json=as_json)


@app.command()
def tooling(
    identity: Context,
    tool: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    directory: Annotated[str, typer.Option(help="Where the project is.")] = "",
    wait: WaitOption = True,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find out what the project is built with, and install what it needs."""
    payload = {"tools": tool or [], "directory": directory}
    _request(identity, {"configureTooling": payload}, wait=wait, account=account, as_json=as_json)


@app.command()
def edit(
    identity: Context,
    edits: Annotated[Path, typer.Argument(metavar="FILE", help="A JSON list of edits, or - for standard input.")],
    wait: WaitOption = True,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change files: all as said, or none.

    An edit is {"create": {"path", "content"}}, {"replace": {"path", "oldText",
    "newText"}}, {"patch": {"diff"}} or {"delete": {"path"}}.
    """
    _request(identity, {"modifyFiles": {"edits": _read(edits)}}, wait=wait, account=account, as_json=as_json)


@app.command()
def deploy(
    identity: Context,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="What serves; without it, something else does.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; for a command, PORT tells it.")] = 0,
    title: Annotated[str, typer.Option(help="What to call it.")] = "",
    directory: Annotated[str, typer.Option("--directory", help="Where it starts, relative to the workspace.")] = "",
    health_path: Annotated[str, typer.Option("--health-path", help="What to ask for to see if it works.")] = "",
    wait: WaitOption = True,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Start a preview of a command, or of what listens on a port; done once it answers.

    For example: `stateroom action deploy CONTEXT -- npm run dev`.
    """
    payload = {
        "command": command or [],
        "port": port,
        "title": title,
        "workingDirectory": directory,
        "healthPath": health_path,
    }
    _request(identity, {"deploy": payload}, wait=wait, account=account, as_json=as_json)


@app.command("list")
def list_actions(
    identity: Context,
    state: Annotated[str, typer.Option(help="PENDING, RUNNING, COMPLETED, FAILED or CANCELLED.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Such as MODIFY_FILES or DEPLOY.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the actions of a context, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = {name: value.upper() for name, value in (("state", state), ("type", kind)) if value}
        pages = client.pages(f"{resolve.path_of('context', identity)}/actions", "actions", limit=limit, **filters)
        found = [action async for action in pages]
        output.rows(found if as_json else [each | each.get("failure", {}) for each in found], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(action: Action, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show an action and what came of it."""

    async def work(client: Client, output: Output) -> None:
        _print(output, await client.get(resolve.path_of("action", action)))

    context.run(work, as_json=as_json, account=account)


@app.command()
def cancel(action: Action, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Have an action ended."""

    async def work(client: Client, output: Output) -> None:
        _print(output, await client.post(f"{resolve.path_of('action', action)}:cancel", {}))

    context.run(work, as_json=as_json, account=account)


@app.command()
def undo(action: Action, wait: WaitOption = True, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Take back what an action changed in files, unless they changed since."""

    async def work(client: Client, output: Output) -> None:
        made = await client.post(f"{resolve.path_of('action', action)}:undo", {})
        await _finish(client, output, made, wait=wait)

    context.run(work, as_json=as_json, account=account)


def _request(identity: str, payload: Json, *, wait: bool, account: str, as_json: bool) -> None:
    async def work(client: Client, output: Output) -> None:
        made = await client.post(f"{resolve.path_of('context', identity)}/actions", payload)
        await _finish(client, output, made, wait=wait)

    context.run(work, as_json=as_json, account=account)


async def _finish(client: Client, output: Output, action: Json, *, wait: bool) -> None:
    """Follow an action to its end, if wished, and print it. Refused when it failed."""
    path = f"/v1/actions/{action['actionId']}"
    shown = action["type"] == "DEPLOY"  # whose session goes on
    while wait and action["state"] not in ENDED:
        if action["state"] == "RUNNING" and not shown and not output.as_json:
            shown = True
            await _show_output(client, action["sessionId"])
        await asyncio.sleep(_LOOK)
        action = await client.get(path)
    _print(output, action)
    if action["state"] == "FAILED":
        raise Refused(action["failure"]["message"], reason=action["failure"]["reason"])


async def _show_output(client: Client, session_id: str) -> None:
    """Print what the tools print, up to the report, which is for programs."""
    async for part in client.stream(f"/v1/sessions/{session_id}/output"):
        text, report, _ = base64.b64decode(part.get("data", "")).partition(_REPORT)
        sys.stderr.buffer.write(text)
        sys.stderr.buffer.flush()
        if report:
            return


def _print(output: Output, action: Json) -> None:
    if output.as_json:
        output.json(action)
        return
    output.resource(action | action.get("failure", {}), FIELDS)
    for result in action.get("result", {}).values():
        rows: list[Json] = result.get("files", result.get("tools", []))
        names = {field: field.upper() for row in rows for field in row}
        output.rows(rows, names) if rows else output.resource(result, tuple(result))


def _read(path: Path) -> list[Any]:
    text = sys.stdin.read() if str(path) == "-" else path.read_text()
    try:
        edits = json.loads(text)
    except ValueError as error:
        msg = f"{path} is no JSON: {error}."
        raise WrongUse(msg) from error
    return edits if isinstance(edits, list) else [edits]
