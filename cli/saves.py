"""`stateroom workspace save`, `saves`, `restore` and `clean-up`: what was in rooms, and rooms that nobody needs."""

import asyncio
from typing import Annotated

import typer

from cli import context, program, resolve, workspaces
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.errors import Refused
from cli.render import Output

FIELDS = (
    "saveId",
    "workspaceName",
    "workspaceId",
    "cause",
    "state",
    "stateReason",
    "branch",
    "staged",
    "modified",
    "untracked",
    "conflicted",
    "stashes",
    "unpushedCommits",
    "repositories",
    "complaint",
    "files",
    "sizeBytes",
    "createTime",
    "expireTime",
)
COLUMNS = {
    "saveId": "ID",
    "workspaceName": "WORKSPACE",
    "state": "STATE",
    "cause": "CAUSE",
    "branch": "BRANCH",
    "createTime": "CREATED",
    "expireTime": "EXPIRES",
}
CLEANED = {"name": "NAME", "outcome": "OUTCOME", "cause": "CAUSE"}

_LOOK = 0.2  # seconds between looks at a save that is being taken

SaveId = Annotated[str, typer.Argument(metavar="SAVE", help="Its id.")]


def save(workspace: workspaces.Workspace, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Save a room as it is now: all files, and what git has not pushed."""

    async def work(client: Client, output: Output) -> None:
        found = await client.post("/v1/saves", {"workspaceId": await resolve.workspace_id(client, workspace)})
        while found["state"] == "SAVING":
            await asyncio.sleep(_LOOK)
            found = await client.get(f"/v1/saves/{found['saveId']}")
        output.resource(found, FIELDS)
        if found["state"] == "FAILED":
            msg = f"The workspace could not be saved: {found.get('stateReason', '')}"
            raise Refused(msg)

    context.run(work, as_json=as_json, account=account)


def saves(
    workspace: Annotated[str, typer.Argument(metavar="[WORKSPACE]", help="Only those of one, by its name then.")] = "",
    limit: LimitOption = 100,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the saves of rooms, newest first, also of rooms that are gone."""

    async def work(client: Client, output: Output) -> None:
        pages = client.pages("/v1/saves", "saves", limit=limit, **resolve.saves_of(workspace))
        output.rows([each async for each in pages], COLUMNS)

    context.run(work, as_json=as_json, account=account)


def restore(
    save: Annotated[
        str, typer.Argument(metavar="SAVE", help="Id of a save, or the name of a room for its newest one.")
    ],
    name: Annotated[str, typer.Option(help="What the new room is called; as the old one when empty.")] = "",
    into: Annotated[
        str, typer.Option(metavar="WORKSPACE", help="Replace the files of this archived room, which are saved.")
    ] = "",
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a room of a save: its files, index, stashes and branches."""

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/saves/{await resolve.save_id(client, save)}:restore"
        body: Json = {"name": name} if name else {}
        if into:
            body["workspaceId"] = await resolve.workspace_id(client, into)
        workspace = await workspaces.follow(client, output, await client.post(path, body))
        output.resource(workspace, workspaces.FIELDS)
        if workspace["state"] == "ERROR":
            msg = f"The save could not be restored: {workspace.get('stateReason', '')}"
            raise Refused(msg)
        output.say(f"Open a terminal in it: {program.name()} session create {workspace['name']} --attach")

    context.run(work, as_json=as_json, account=account)


def delete_save(save: SaveId, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """Delete a save for good."""

    async def work(client: Client, output: Output) -> None:
        output.resource(await client.delete(f"/v1/saves/{resolve.id_of_save(save)}"), FIELDS)

    context.run(work, as_json=as_json, account=account)


def clean_up(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would happen.")] = False,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Delete the rooms that were archived long ago and whose work is saved."""

    async def work(client: Client, output: Output) -> None:
        found = await client.post("/v1/workspaces:cleanUp", {"dryRun": dry_run})
        deleted: list[Json] = [{**each, "outcome": "DELETED"} for each in found.get("workspaces", [])]
        kept: list[Json] = [{**each, "outcome": "KEPT"} for each in found.get("failures", [])]
        output.rows(deleted + kept, CLEANED, empty="There is nothing to clean up.")
        if dry_run:
            output.say("Nothing was changed.")

    context.run(work, as_json=as_json, account=account)
