"""`stateroom call METHOD PATH`: any call of the API."""

import json
from typing import Annotated

import typer

from cli import context
from cli.client import Client
from cli.context import AccountOption
from cli.errors import WrongUse
from cli.render import Output

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def call(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PATCH, PUT or DELETE.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Such as /v1/workspaces?pageSize=5.")],
    body: Annotated[str, typer.Option("--data", "-d", metavar="JSON", help="The request's body.")] = "",
    account: AccountOption = "",
) -> None:
    """Call the API and print the answer as JSON."""

    async def work(client: Client, output: Output) -> None:
        if method.upper() not in METHODS or not path.startswith("/"):
            msg = f"Give a method ({', '.join(METHODS)}) and a path that begins with /."
            raise WrongUse(msg)
        try:
            content = json.loads(body) if body else None
        except ValueError as error:
            msg = f"--data is not JSON: {error}"
            raise WrongUse(msg) from error
        output.json(await client.call(method.upper(), path, body=content))

    context.run(work, as_json=True, account=account, words=str)
