"""`stateroom context …`: conversations about the work in rooms."""

from typing import Annotated

import typer

from cli import context, in_workspaces, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Contexts: conversations about the work in a room.")

Context = Annotated[str, typer.Argument(metavar="CONTEXT", help="Id.")]
FIELDS = (
    "contextId",
    "workspaceId",
    "state",
    "flow",
    "metadata",
    "createTime",
    "updateTime",
    "deleteTime",
    "purgeTime",
)
CONFIG_FIELDS = ("template", "tooling", "features", "customizations")
COLUMNS = {"contextId": "ID", "state": "STATE", "workspace": "WORKSPACE", "createTime": "CREATED"}
"""`workspace` is its name, which the API's fields, and so --json, do not have."""
MESSAGE_COLUMNS = {"sequence": "#", "role": "ROLE", "createTime": "TIME", "content": "CONTENT"}


@app.command()
def create(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="Name or id.")],
    template: Annotated[str, typer.Option(help="What to begin with.")] = "",
    tool: Annotated[list[str] | None, typer.Option(help="To work with; may be repeated.")] = None,
    feature: Annotated[list[str] | None, typer.Option(help="What it is to do; may be repeated.")] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Begin the work at once.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Begin a context in a room."""

    async def work(client: Client, output: Output) -> None:
        config = {"template": template, "tooling": tool or [], "features": feature or []}
        body: Json = {"workspaceId": await resolve.workspace_id(client, workspace), "config": config}
        made = await client.post("/v1/contexts", body)
        if activate:
            made = await client.post(f"/v1/contexts/{made['contextId']}:activate", {})
        output.resource(made, FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_contexts(
    workspace: Annotated[str, typer.Option(help="Only those of this workspace, by name or id.")] = "",
    state: Annotated[str, typer.Option(help="Only these: SETUP, ACTIVE or COMPLETED.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones too.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List your contexts, newest first."""

    async def work(client: Client, output: Output) -> None:
        shown = {"showDeleted": "true"} if deleted else {}
        found = await in_workspaces.find(
            client, output, "contexts", limit=limit, state=state, workspace=workspace, **shown
        )
        output.rows(found, COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def active(
    workspace: Annotated[str, typer.Option(help="Of this workspace, by name or id.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show your active context that was changed last."""

    async def work(client: Client, output: Output) -> None:
        filters = {"workspaceId": await resolve.workspace_id(client, workspace)} if workspace else {}
        output.resource(await client.get("/v1/contexts:active", **filters), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def show(identity: Context, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show a context."""

    async def work(client: Client, output: Output) -> None:
        found = await client.get(resolve.path_of("context", identity))
        output.resource(found if as_json else found | found.get("config", {}), (*FIELDS, *CONFIG_FIELDS))

    context.run(work, as_json=as_json, account=account)


@app.command()
def update(
    identity: Context,
    metadata: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set; may be repeated.")] = None,
    flow: Annotated[list[str] | None, typer.Option(metavar="KEY=WORD", help="Such as friction=none.")] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Change what is said about a context."""

    async def work(client: Client, output: Output) -> None:
        path = resolve.path_of("context", identity)
        current, body = await client.get(path), {}
        for field, pairs in (("metadata", metadata), ("flow", flow)):
            if pairs:
                body[field] = current.get(field, {}) | dict(resolve.pair(text) for text in pairs)
        if not body:
            msg = "Nothing to change: give --metadata or --flow."
            raise WrongUse(msg)
        output.resource(await client.update(path, body, etag=current["etag"]), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def activate(identity: Context, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Begin the work: actions may run."""
    _act(identity, "POST", ":activate", account=account, as_json=as_json)


@app.command()
def complete(identity: Context, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """End the work: nothing is added any more."""
    _act(identity, "POST", ":complete", account=account, as_json=as_json)


@app.command()
def delete(identity: Context, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete a context; it can be brought back for a while."""
    _act(identity, "DELETE", "", account=account, as_json=as_json)


@app.command()
def undelete(identity: Context, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring a deleted context back."""
    _act(identity, "POST", ":undelete", account=account, as_json=as_json)


@app.command()
def say(
    identity: Context,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say something in a context."""

    async def work(client: Client, output: Output) -> None:
        said = await client.post(f"{resolve.path_of('context', identity)}/messages", {"content": text})
        output.resource(said, ("sequence", "role", "content"))

    context.run(work, as_json=as_json, account=account)


@app.command()
def messages(
    identity: Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is completed.")] = False,
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what was said in a context."""

    async def work(client: Client, output: Output) -> None:
        path = f"{resolve.path_of('context', identity)}/messages"
        if not follow:
            pages = client.pages(path, "messages", limit=limit)
            output.rows([said async for said in pages], MESSAGE_COLUMNS, empty="Nothing was said.")
            return
        async for said in client.stream(f"{path}:stream"):
            output.rows([said], MESSAGE_COLUMNS)

    context.run(work, as_json=as_json, account=account)


def _act(identity: str, method: str, verb: str, *, account: str, as_json: bool) -> None:
    """Call a verb of a context and print what became of it."""

    async def work(client: Client, output: Output) -> None:
        body: Json | None = {} if method == "POST" else None
        changed = await client.call(method, f"{resolve.path_of('context', identity)}{verb}", body=body)
        output.resource(changed, FIELDS)

    context.run(work, as_json=as_json, account=account)
