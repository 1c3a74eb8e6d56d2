"""`stateroom key …`: API keys."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="API keys: what programs act with.")

FIELDS = ("name", "apiKeyId", "keyPrefix", "state", "scopes", "expireTime", "lastUsedTime", "createTime", "revokeTime")
COLUMNS = {
    "keyPrefix": "KEY",
    "name": "NAME",
    "state": "STATE",
    "scopes": "SCOPES",
    "lastUsedTime": "LAST USED",
}
"""`key revoke` takes the beginning of the key, so the table can do without the id."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do, such as workspaces.read; may be repeated. All that yours may, if absent."),
    ] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a key. Its secret is shown this once."""

    async def work(client: Client, output: Output) -> None:
        body: Json = {"name": name, "scopes": scope or []}
        made = await client.post("/v1/apiKeys", body)
        output.resource(made["apiKey"] | {"secret": made["secret"]}, (*FIELDS, "secret"))
        output.say("The secret is not shown again. Commands use it as STATEROOM_API_KEY.")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_keys(
    state: Annotated[str, typer.Option(help="Only these: ACTIVE or REVOKED.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List your keys in the account, newest first."""

    async def work(client: Client, output: Output) -> None:
        filters = {"state": state.upper()} if state else {}
        pages = client.pages("/v1/apiKeys", "apiKeys", limit=limit, **filters)
        output.rows([key async for key in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Name, id, or the beginning that the list shows.")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Revoke a key at once and for ever."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(f"/v1/apiKeys/{await resolve.api_key_id(client, key)}"), FIELDS)

    context.run(work, as_json=as_json, account=account)
