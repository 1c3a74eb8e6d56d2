"""`stateroom buffer …`: texts of editors, the unsaved ones first of all."""

import sys
from typing import Annotated

import typer

from cli import context, in_workspaces, program, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.editor_sessions import editor_session
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Buffers: texts that are edited, and what of them nobody saved.")

Buffer = Annotated[str, typer.Argument(metavar="BUFFER", help="Id.")]
FIELDS = (
    "bufferId",
    "path",
    "workspaceId",
    "sessionId",
    "unsaved",
    "outside",
    "sizeBytes",
    "revision",
    "updateTime",
    "closeTime",
)
COLUMNS = {
    "bufferId": "ID",
    "workspace": "WORKSPACE",
    "path": "PATH",
    "state": "STATE",
    "updateTime": "CHANGED",
}
"""`workspace` is its name, which the API's fields, and so --json, do not have; `state` is made here as well."""


@app.command("list")
def list_buffers(
    workspace: Annotated[str, typer.Option(help="Only those of this workspace, by name or id.")] = "",
    unsaved: Annotated[bool, typer.Option("--unsaved", help="Only those with unsaved text.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List buffers that are open, and those with unsaved text whose sessions have ended."""

    async def work(client: Client, output: Output) -> None:
        wishes = {"unsaved": "true"} if unsaved else {}
        found = await in_workspaces.find(client, output, "buffers", limit=limit, workspace=workspace, **wishes)
        output.rows(found if output.as_json else [each | {"state": _state(each)} for each in found], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(buffer: Buffer, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Print the text of a buffer as it is, also when its room is gone; with --json, what is known about it too."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(resolve.path_of("buffer", buffer))
        if output.as_json:
            output.json(found)
        else:
            sys.stdout.write(found["text"])

    context.run(work, as_json=as_json, account=account)


@app.command()
def recover(
    buffer: Buffer,
    workspace: Annotated[str, typer.Option(help="Into this one, when the buffer's own is gone.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Bring the unsaved text of a session that has ended into one that lives."""

    async def work(client: Client, output: Output) -> None:
        path = resolve.path_of("buffer", buffer)
        target = await resolve.workspace_id(client, workspace) if workspace else (await client.get(path))["workspaceId"]
        session = await editor_session(client, target)
        recovered = await client.post(f"{path}:recover", {"sessionId": session["sessionId"]})
        output.resource(recovered, FIELDS)
        output.say(f"Edit it: {program.name()} edit {workspace or target} {recovered['path']}")

    context.run(work, as_json=as_json, account=account)


@app.command()
def save(
    buffer: Buffer,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Whatever the file is by now.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write the text of a buffer into its file."""

    async def work(client: Client, output: Output) -> None:
        body: Json = {"overwrite": overwrite}
        output.resource(await client.post(f"{resolve.path_of('buffer', buffer)}:save", body), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def close(
    buffer: Buffer,
    discard: Annotated[bool, typer.Option("--discard", help="Give up what is not saved.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Close a buffer."""

    async def work(client: Client, output: Output) -> None:
        body: Json = {"discard": discard}
        output.resource(await client.post(f"{resolve.path_of('buffer', buffer)}:close", body), FIELDS)

    context.run(work, as_json=as_json, account=account)


def _state(buffer: Json) -> str:
    words = ["unsaved"] if buffer["unsaved"] else ["saved"]
    if buffer["outside"] != "OUTSIDE_UNSPECIFIED":
        words.append(f"{buffer['outside'].lower()} outside")
    return ", ".join(words)
