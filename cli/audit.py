"""`stateroom audit …`: what happened, by whom, and the digest of each entry."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chassis import ids
from cli import context
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output

app = typer.Typer(no_args_is_help=True, help="The audit log.")

COLUMNS = {
    "time": "TIME",
    "action": "ACTION",
    "entityId": "ENTITY",
    "actorId": "ACTOR",
    "digest": "DIGEST",
}
SHORT_DIGEST = 8
"""Hexadecimal digits of a digest in a table; --json has all 64."""
SHORT_ID = 13
"""Characters of an id in a table: its millisecond."""


@app.command("list")
def list_entries(
    action: Annotated[str, typer.Option(help="Only this action, such as workspace.created.")] = "",
    entity: Annotated[str, typer.Option(help="Only the entity with this id.")] = "",
    limit: LimitOption = 50,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List entries, newest first."""

    async def work(client: Client, output: Output) -> None:
        wanted = {"action": action, "entityId": entity}
        filters = {field: value for field, value in wanted.items() if value}
        entries = [entry async for entry in client.pages("/v1/auditLogs", "auditLogs", limit=limit, **filters)]
        if not output.as_json:
            me = await client.get("/v1/users/me")
            entries = [_short(entry, {me["userId"]: me["handle"]}) for entry in entries]
        output.rows(entries, COLUMNS)

    context.run(work, as_json=as_json, account=account)


def short_actor(entry: Mapping[str, Any], handles: Mapping[str, str]) -> str:
    """Return who did it: a handle where it is known, a service's name, or the beginning of an id."""
    actor = str(entry.get("actorId", ""))
    return handles.get(actor) or (actor[:SHORT_ID] if ids.is_id(actor) else actor)


def _short(entry: Json, handles: Mapping[str, str]) -> Json:
    """Return the entry as it fits into 80 columns; an outcome is told where it is no success."""
    outcome = str(entry.get("outcome", ""))
    return entry | {
        "time": str(entry["time"])[5:19].replace("T", " "),
        "action": entry["action"] if outcome == "SUCCEEDED" else f"{entry['action']} {outcome}",
        "entityId": str(entry.get("entityId", ""))[:SHORT_ID],
        "actorId": short_actor(entry, handles),
        "digest": str(entry["digest"])[:SHORT_DIGEST],
    }
