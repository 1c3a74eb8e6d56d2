"""`stateroom audit …`: what happened, by whom, and the digest of each entry."""

from typing import Annotated

import typer

from cli import context
from cli.client import Client
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="The audit log.")

COLUMNS = {
    "time": "TIME",
    "action": "ACTION",
    "outcome": "OUTCOME",
    "entityId": "ENTITY",
    "actorId": "ACTOR",
    "digest": "DIGEST",
}
SHORT_DIGEST = 16
"""Hexadecimal digits of a digest in a table; --json has all 64."""


@app.command("list")
def list_entries(
    action: Annotated[str, typer.Option(help="Only this action, such as workspace.created.")] = "",
    entity: Annotated[str, typer.Option(help="Only the entity with this id.")] = "",
    limit: LimitOption = 50,
    account: AccountOption = "",
    as_json: JsonOption = False,  # noqa: FBT002 -- typer's way
) -> None:
    """List entries, newest first."""

    async def work(client: Client, output: Output) -> None:
        wanted = {"action": action, "entityId": entity}
        filters = {field: value for field, value in wanted.items() if value}
        entries = [entry async for entry in client.pages("/v1/auditLogs", "auditLogs", limit=limit, **filters)]
        if not output.as_json:
            entries = [entry | {"digest": entry["digest"][:SHORT_DIGEST]} for entry in entries]
        output.rows(entries, COLUMNS)

    context.run(work, as_json=as_json, account=account)
