"""`stateroom secret …`: secrets of the account that steps use by name."""

from typing import Annotated
from urllib.parse import quote

import typer

from cli import context, secret_input
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import WrongUse
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="Secrets that steps of workflows use by name.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="What steps call it, such as GITHUB_TOKEN.")]
COLUMNS = {"name": "NAME", "updateTime": "SET", "createTime": "FIRST SET", "userId": "BY"}


@app.command("set")
def set_secret(name: Name, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Keep a secret, in place of the one that was there. Nothing shows it again.

    It is asked for, or read from standard input without its last newline.
    """
    try:
        value = secret_input.read().decode()
    except UnicodeDecodeError as exc:
        msg = "A secret is text in UTF-8; another one may be kept in base64."
        raise WrongUse(msg) from exc

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.call("PUT", _path_of(name), body={"value": value}), tuple(COLUMNS))

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_secrets(limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """List secrets by name, without what they are."""

    async def work(client: Client, output: Output) -> None:
        output.rows([each async for each in client.pages("/v1/secrets", "secrets", limit=limit)], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def delete(name: Name, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Destroy a secret; steps that need it fail from then on."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(_path_of(name)), tuple(COLUMNS))

    context.run(work, as_json=as_json, account=account)


def _path_of(name: str) -> str:
    return f"/v1/secrets/{quote(name, safe='')}"
