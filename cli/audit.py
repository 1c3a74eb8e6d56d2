"""`stateroom audit …`: what happened, by whom, and the digest of each entry."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chassis import ids
from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import CommandFailed
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
NOTED = "It is the digest noted before: nobody rewrote the entry since."
NOT_NOTED = "Whether somebody rewrote both, only a digest noted before can tell: --digest."


FIELDS = (
    "auditLogId",
    "time",
    "recordTime",
    "action",
    "outcome",
    "reason",
    "entityType",
    "entityId",
    "entityVersion",
    "actorId",
    "credentialId",
    "causeEventId",
    "requestId",
    "traceId",
    "ipAddress",
    "userAgent",
    "source",
    "position",
    "digest",
)
Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="Id, or the beginning of the digest that the list shows.")]


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


@app.command()
def show(entry: Entry, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Show an entry; --json has its stored bytes too."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await _read(client, entry), FIELDS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def verify(
    entry: Entry,
    digest: Annotated[str, typer.Option(help="A digest of the entry that you noted before: all 64 digits.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Compute an entry's digest from its stored bytes, and compare; exit code 1 when they differ.

    The bytes and the digest come from the same server. That they agree proves that the entry shows
    what is stored; that nobody rewrote it proves only --digest, with what was noted before. Nothing
    here proves that no entry is missing.
    """
    from cli import proof  # noqa: PLC0415  # protobuf takes 30 ms, which only who verifies pays

    async def work(client: Client, output: Output) -> None:
        found = await _read(client, entry)
        computed = proof.recomputed(found)
        if computed != found["digest"]:
            msg = f"The stored bytes have the digest {computed}, and the entry says {found['digest']}."
            raise CommandFailed(msg)
        if digest and computed != digest.lower():
            msg = f"The entry's digest is {computed}, and the one noted before is another: the entry was rewritten."
            raise CommandFailed(msg)
        if fields := proof.contradictions(found):
            msg = f"The digest is right, but the entry shows what the stored bytes do not say: {', '.join(fields)}."
            raise CommandFailed(msg)
        output.resource(found, ("auditLogId", "action", "digest"))
        output.say("The entry shows what its stored bytes say, and has their digest.")
        output.say(NOTED if digest else NOT_NOTED)

    context.run(work, as_json=as_json, account=account)


async def _read(client: Client, entry: str) -> Json:
    return await client.get(f"/v1/auditLogs/{await resolve.audit_log_id(client, entry)}")


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
