"""`stateroom session pause …`: what happens to a session between its beginning and its end, and after it."""

from typing import Annotated

import typer

from cli import context, resolve
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption
from cli.render import Output
from cli.sessions import FIELDS, Session

POLICY = ("off", "idleAfter", "warning", "updateTime")
FINDINGS = {"sessionId": "ID", "verdict": "VERDICT", "lastWorkTime": "WORKED"}

DELETED = ("sessionId", "state", "title", "deleteTime", "purgeTime")
STATISTICS = ("active", "total", "endedLastDay", "meanLifetime", "kinds", "states")


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


def idle(
    off: Annotated[bool | None, typer.Option("--off/--on", help="Whether idle sessions live on.")] = None,
    after: Annotated[
        int | None, typer.Option(metavar="MINUTES", min=1, help="How long nothing may work in one.")
    ] = None,
    warning: Annotated[
        int | None, typer.Option(metavar="MINUTES", min=0, help="How long before its devices know.")
    ] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show when sessions end because nothing works in them, or change it for the account."""

    async def work(client: Client, output: Output) -> None:
        policy = await client.get("/v1/idlePolicy")
        changes: Json = {} if off is None else {"off": off}
        changes |= {} if after is None else {"idleAfter": f"{after * 60}s"}
        changes |= {} if warning is None else {"warning": f"{warning * 60}s"}
        if changes:
            policy = await client.update("/v1/idlePolicy", changes, etag=policy["etag"])
        output.resource(policy, POLICY)

    context.run(work, as_json=as_json, account=account)


def clean_up(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would end.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """End the sessions that are idle now, and say of each that lives what becomes of it and why."""

    async def work(client: Client, output: Output) -> None:
        done = await client.post("/v1/sessions:cleanUpIdle", {"dryRun": dry_run})
        output.rows(done["findings"], FINDINGS, empty="No session lives.")

    context.run(work, as_json=as_json, account=account)


def delete(
    session: Session,
    force: Annotated[bool, typer.Option("--force", help="End it first, if it lives.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Delete a session that has ended, with its log; it can be brought back for a while."""

    async def work(client: Client, output: Output) -> None:
        path = resolve.session_path(session)
        output.resource(await client.delete(f"{path}?force=true" if force else path), DELETED)

    context.run(work, as_json=as_json, account=account)


def undelete(session: Session, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Bring a deleted session back, with its log."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.post(f"{resolve.session_path(session)}:undelete", {}), FIELDS)

    context.run(work, as_json=as_json, account=account)


def restart(
    session: Session,
    variables: Annotated[
        list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Open a session like one that has ended: same place, program, size and title."""

    async def work(client: Client, output: Output) -> None:
        environment = dict(resolve.pair(text, "NAME=VALUE") for text in variables or [])
        done = await client.post(f"{resolve.session_path(session)}:restart", {"environment": environment})
        missing = done["missingEnvironmentNames"]
        output.resource(done["session"] | {"missingEnvironmentNames": missing}, FIELDS)
        if missing:
            output.say(f"Without a value now: {', '.join(missing)}. Give them with --env.")

    context.run(work, as_json=as_json, account=account)


def statistics(
    workspace: Annotated[str, typer.Option(help="Only those of this workspace, by name or id.")] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Count the account's sessions."""

    async def work(client: Client, output: Output) -> None:
        filters = {"workspaceId": await resolve.workspace_id(client, workspace)} if workspace else {}
        found = await client.get("/v1/sessionStatistics", **filters)
        kinds = {each["kind"]: each["count"] for each in found["byKind"]}
        states = {each["state"]: each["count"] for each in found["byState"]}
        output.resource(found if as_json else found | {"kinds": kinds, "states": states}, STATISTICS)

    context.run(work, as_json=as_json, account=account)
