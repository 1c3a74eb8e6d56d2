"""`stateroom session mask`: secrets that no log of a session holds."""

from base64 import b64encode
from typing import Annotated

import typer

from cli import context, resolve, secret_input
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.render import Output

FIELDS = ("sessionId", "secretNames")


def mask(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is shown in its place, as [secret NAME].")],
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Mask a secret in what a session prints from now on.

    The secret is asked for, or read from standard input without its last newline.
    """
    secret = secret_input.read()

    async def work(client: Client, output: Output) -> None:
        body = {"name": name, "value": b64encode(secret).decode()}
        output.resource(await client.post(f"{resolve.session_path(session)}:registerSecret", body), FIELDS)

    context.run(work, as_json=as_json, account=account)
