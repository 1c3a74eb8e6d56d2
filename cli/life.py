"""`stateroom session pause …`: what happens to a session between its beginning and its end, and after it."""

from cli import context, resolve
from cli.client import Client
from cli.context import AccountOption, JsonOption
from cli.render import Output
from cli.sessions import FIELDS, Session


def pause(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Stop the output of a session; what runs in it waits as soon as it prints much."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.session_path(session)}:pause", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


def resume(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Let the output of a paused session flow again."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.session_path(session)}:resume", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)
