"""`stateroom preview …`: servers in rooms, in a browser."""

import webbrowser
from typing import Annotated

import typer

from cli import context, in_workspaces, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Previews: servers in rooms, in a browser.")

Preview = Annotated[str, typer.Argument(metavar="PREVIEW", help="Id.")]
EnvOption = Annotated[
    list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable for the command; may be repeated.")
]
FIELDS = (
    "previewId",
    "workspaceId",
    "title",
    "state",
    "stateReason",
    "url",
    "port",
    "command",
    "workingDirectory",
    "environmentNames",
    "sessionId",
    "healthPath",
    "healthInterval",
    "metadata",
    "createTime",
    "deleteTime",
)
COLUMNS = {
    "previewId": "ID",
    "state": "STATE",
    "workspace": "WORKSPACE",
    "title": "TITLE",
    "port": "PORT",
}
"""`workspace` is its name, which the API's fields, and so --json, do not have."""
TITLE_LENGTH = 24
"""Characters of a title in a table."""


@app.command()
def create(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="What serves; without it, something else does.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; for a command, PORT tells it.")] = 0,
    title: Annotated[str, typer.Option(help="What to call it.")] = "",
    directory: Annotated[str, typer.Option("--directory", help="Where it starts, relative to the workspace.")] = "",
    env: EnvOption = None,
    health_path: Annotated[str, typer.Option("--health-path", help="What to ask for to see if it works.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a preview of a command, or of what listens on a port.

    For example: `stateroom preview create WORKSPACE -- npm run dev`, whose port is in its variable
    PORT, or `stateroom preview create WORKSPACE --port 3000`.
    """

    async def work(client: Client, output: Output) -> None:
        body: Json = {
            "workspaceId": await resolve.workspace_id(client, workspace),
            "command": command or [],
            "port": port,
            "title": title,
            "workingDirectory": directory,
            "environment": _variables(env),
            "healthPath": health_path,
        }
        preview = await client.post("/v1/previews", body)
        output.resource(preview, FIELDS)
        output.say(f"Open it: {program.name()} preview open --browser {preview['previewId']}")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_previews(
    workspace: Annotated[str, typer.Option(help="Only those of this workspace, by name or id.")] = "",
    state: Annotated[str, typer.Option(help="Only these: GENERATING, LIVE, ERROR or STOPPED.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the account's previews, newest first."""

    async def work(client: Client, output: Output) -> None:
        previews = await in_workspaces.find(client, output, "previews", limit=limit, state=state, workspace=workspace)
        if not output.as_json:
            previews = [each | {"title": each["title"][:TITLE_LENGTH]} for each in previews]
        output.rows(previews, COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(preview: Preview, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a preview."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(resolve.preview_path(preview)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command("open")
def open_preview(
    preview: Preview,
    browser: Annotated[bool, typer.Option("--browser", help="Open it in the browser of this machine.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print an address that opens a preview in a browser, once and within 30 seconds."""

    async def work(client: Client, output: Output) -> None:
        opened = await client.post(f"{resolve.preview_path(preview)}:open", {})
        if browser and webbrowser.open(opened["url"]):
            output.say("Opened in your browser.")
            return
        output.resource(opened, ("url", "expireTime"))

    context.run(work, as_json=as_json, account=account)


@app.command()
def stop(preview: Preview, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Stop a preview and its command."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.preview_path(preview)}:stop", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def restart(preview: Preview, env: EnvOption = None, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Start a preview again; its variables have to be given again, because their values are not kept."""

    async def work(client: Client, output: Output) -> None:
        body: Json = {"environment": _variables(env)}
        output.resource(await client.post(f"{resolve.preview_path(preview)}:restart", body), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def delete(preview: Preview, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Stop a preview and forget it."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(resolve.preview_path(preview)), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _variables(env: list[str] | None) -> dict[str, str]:
    return dict(resolve.pair(text, "NAME=VALUE") for text in env or ())
