"""`stateroom session …`: terminals that outlive every connection."""

import base64
import sys
from typing import Annotated

import typer

from cli import attach as attaching
from cli import context, history, in_workspaces, masks, program, resolve, sharing
from cli.attachment import Wish
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output
from cli.terminal import Terminal

app = typer.Typer(no_args_is_help=True, help="Sessions: terminals that outlive every connection.")

Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id.")]
FIELDS = (
    "sessionId",
    "workspaceId",
    "state",
    "stateReason",
    "stopReason",
    "exitCode",
    "exitSignal",
    "title",
    "columns",
    "rows",
    "outputBytes",
    "logComplete",
    "createTime",
    "endTime",
)
COLUMNS = {
    "sessionId": "ID",
    "state": "STATE",
    "workspace": "WORKSPACE",
    "title": "TITLE",
    "createTime": "CREATED",
}
"""`workspace` is its name, which the API's fields, and so --json, do not have."""
TITLE_LENGTH = 24
"""Characters of a title in a table: enough to tell a shell from a command."""

DEVICE_COLUMNS = {
    "attachmentId": "ID",
    "device": "DEVICE",
    "role": "ROLE",
    "person": "PERSON",
    "acknowledgedOffset": "SHOWN",
    "attachTime": "SINCE",
}


@app.command()
def create(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")],
    shell: Annotated[str, typer.Option(help="bash, zsh or fish; bash when absent.")] = "",
    directory: Annotated[str, typer.Option("--directory", help="Where it starts, relative to the workspace.")] = "",
    attach: Annotated[bool, typer.Option("--attach", help="Attach to it at once.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Open a terminal in a room."""

    async def work(client: Client, output: Output) -> None:
        columns, rows = Terminal().size()
        body: Json = {
            "workspaceId": await resolve.workspace_id(client, workspace),
            "kind": "TERMINAL",
            "shell": shell,
            "workingDirectory": directory,
            "columns": columns,
            "rows": rows,
        }
        session = await client.post("/v1/sessions", body)
        if attach:
            await attaching.run(client.endpoint, Wish(session["sessionId"]), client.account)
            return
        output.resource(session, FIELDS)
        output.say(f"Attach to it: {program.name()} session attach {session['sessionId']}")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_sessions(
    workspace: Annotated[str, typer.Option(help="Only those of this workspace, by name or id.")] = "",
    state: Annotated[str, typer.Option(help="Only these: STARTING, ACTIVE, PAUSED, STOPPED, FAILED or LOST.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the account's sessions, newest first."""

    async def work(client: Client, output: Output) -> None:
        shown = {"showDeleted": "true"} if deleted else {}
        sessions = await in_workspaces.find(
            client, output, "sessions", limit=limit, state=state, workspace=workspace, **shown
        )
        if not output.as_json:
            sessions = list(map(_row, sessions))
        output.rows(sessions, COLUMNS)

    context.run(work, as_json=as_json, account=account)


def _row(session: Json) -> Json:
    """Return the session as it fits into 80 columns."""
    return session | {
        "title": session["title"][:TITLE_LENGTH],
        "createTime": session["createTime"][5:16].replace("T", " "),
    }


@app.command()
def show(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a session."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.get(resolve.session_path(session)), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def attach(
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION", help="Id, the name of a workspace with one active terminal, or a share link's secret."
        ),
    ],
    offset: Annotated[int | None, typer.Option(min=0, help="Begin at this byte of the output.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Begin with all of the output.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only look.")] = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take control from the device that has it.")] = False,
    account: AccountOption = "",
) -> None:
    """Be a terminal of the session. Ctrl-] detaches; it comes back by itself when the connection is cut.

    A terminal begins with the screen as it is; a pipe, and a terminal with --replay, with all of the output. With piped
    input it types that and stays until the session ends.
    """
    if replay and offset is not None:
        msg = "--replay and --offset exclude each other"
        raise typer.BadParameter(msg)
    if read_only and take_over:
        msg = "--read-only and --take-over exclude each other"
        raise typer.BadParameter(msg)
    role = "OBSERVER" if read_only else "CONTROLLER" if take_over else ""

    link = session if session.startswith(sharing.LINK) else ""

    async def work(client: Client, _: Output) -> None:
        found = "" if link else await resolve.terminal_id(client, session)
        shows = offset is None and not replay and Terminal().interactive
        wish = Wish(found, offset or 0, role, take_over=take_over, screen=shows, link=link)
        await attaching.run(client.endpoint, wish, client.account)

    context.run(work, as_json=False, account=account, needs_key=not link)


@app.command()
def screen(
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Id, or the name of a workspace with one active terminal.")
    ],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print what a session's terminal shows, as text."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(f"/v1/sessions/{await resolve.terminal_id(client, session)}/screen")
        if as_json:
            output.resource(found, ())
        else:
            sys.stdout.write(f"{found['text']}\n")

    context.run(work, as_json=as_json, account=account)


@app.command()
def devices(
    session: Session,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the devices attached to a session, first come first."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages(f"{resolve.session_path(session)}/attachments", "attachments", limit=limit)
        output.rows([device async for device in pages], DEVICE_COLUMNS, empty="No device is attached.")

    context.run(work, as_json=as_json, account=account)


app.command("export")(history.export)
app.command("search")(history.search)
app.command("mask")(masks.mask)


@app.command()
def write(
    session: Session,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What to type; standard input when absent. A line needs its \\n.")
    ] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    r"""Type into a session without attaching.

    For example: `stateroom session write SESSION $'make test\n'`.
    """

    async def work(client: Client, output: Output) -> None:
        data = text.encode() or sys.stdin.buffer.read()
        if not data:
            msg = "Nothing to type: give a text, or pipe it in."
            raise WrongUse(msg)
        for start in range(0, len(data), 65_536):
            part = base64.b64encode(data[start : start + 65_536]).decode()
            await client.post(f"{resolve.session_path(session)}:write", {"data": part})
        output.say(f"{len(data)} bytes typed.")

    context.run(work, as_json=as_json, account=account)


@app.command()
def update(
    session: Session,
    title: Annotated[str | None, typer.Option(help="What to call it; empty for what the program does.")] = None,
    metadata: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set; may be repeated.")] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change what a session is called and what is said about it."""

    async def work(client: Client, output: Output) -> None:
        path = resolve.session_path(session)
        current = await client.get(path)
        body: Json = {} if title is None else {"title": title}
        if metadata:
            body["metadata"] = current.get("metadata", {}) | dict(resolve.pair(text) for text in metadata)
        if not body:
            msg = "Nothing to change: give --title or --metadata."
            raise WrongUse(msg)
        output.resource(await client.update(path, body, etag=current["etag"]), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def terminate(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """End a session: TERM to all its processes, KILL after 5 seconds."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.session_path(session)}:terminate", {}), FIELDS)
        output.say(f"Its end may take a few seconds: {program.name()} session show {session}")

    context.run(work, as_json=as_json, account=account)
