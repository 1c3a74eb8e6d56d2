"""`stateroom team …`: people who share an account."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from chassis import ids
from cli import accounts, context, program
from cli.client import Client, Json
from cli.context import AccountOption, JsonOption, LimitOption
from cli.render import Output
from cli.resolve import pair

app = typer.Typer(no_args_is_help=True, help="Teams: people who share an account.")

Team = Annotated[str, typer.Argument(metavar="TEAM", help="Handle or id.")]
User = Annotated[str, typer.Argument(metavar="USER", help="Handle or id.")]
ROLES = "owner, admin, member, viewer or auditor"
FIELDS = ("handle", "displayName", "teamId", "chatId", "memberCount", "createTime", "deleteTime")
COLUMNS = {"teamId": "ID", "handle": "HANDLE", "displayName": "NAME", "memberCount": "MEMBERS", "createTime": "CREATED"}
MEMBER_FIELDS = ("handle", "userId", "role", "createTime")
MEMBER_COLUMNS = {"userId": "ID", "handle": "HANDLE", "role": "ROLE", "createTime": "SINCE"}


@app.command()
def create(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Unique among all users and teams, for good.")],
    name: Annotated[str, typer.Option(help="Shown to others; the handle if absent.")] = "",
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="USER=ROLE", help=f"Who belongs to it beside you, as {ROLES}; may be repeated."),
    ] = None,
    account: AccountOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a team, whose owner you are."""
    members = [_member(*pair(each, "USER=ROLE")) for each in member or []]

    async def work(client: Client, output: Output) -> None:
        made = await client.post("/v1/teams", {"team": {"handle": handle, "displayName": name}, "members": members})
        output.resource(made, FIELDS)
        output.say(f"Act in it: {program.name()} workspace create … --account {handle}, or STATEROOM_ACCOUNT={handle}")

    context.run(work, as_json=as_json, account=account)


@app.command("list")
def list_teams(limit: LimitOption = 100, account: AccountOption = "", as_json: JsonOption = False) -> None:
    """List the teams to which you belong, newest first."""

    async def work(client: Client, output: Output) -> None:
        output.rows([team async for team in client.pages("/v1/teams", "teams", limit=limit)], COLUMNS)

    context.run(work, as_json=as_json, account=account)


@app.command()
def get(team: Team, limit: LimitOption = 1000, as_json: JsonOption = False) -> None:
    """Show a team and who belongs to it."""

    async def work(client: Client, output: Output) -> None:
        path = f"/v1/teams/{client.account}"
        members = [each async for each in client.pages(f"{path}/members", "members", limit=limit)]
        found = await client.get(path)
        output.resource(found | {"members": members} if output.as_json else found, FIELDS)
        if not output.as_json:
            output.rows(members, MEMBER_COLUMNS)

    context.run(work, as_json=as_json, account=team)


@app.command()
def add(
    team: Team,
    user: User,
    role: Annotated[str, typer.Option(help=f"What they may do: {ROLES}.")] = "member",
    as_json: JsonOption = False,
) -> None:
    """Bring a person into a team, at once."""

    async def work(client: Client) -> Json:
        return await client.post(f"/v1/teams/{client.account}/members", _member(user, role))

    _do(team, work, MEMBER_FIELDS, as_json=as_json)


@app.command()
def role(
    team: Team,
    user: User,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"What they may do: {ROLES}.")],
    as_json: JsonOption = False,
) -> None:
    """Give a member another role; it counts within 5 seconds."""

    async def work(client: Client) -> Json:
        path = f"/v1/teams/{client.account}/members/{await accounts.member_id(client, user)}"
        return await client.update(path, {"role": role.upper()}, etag="*")

    _do(team, work, MEMBER_FIELDS, as_json=as_json)


@app.command()
def remove(team: Team, user: User, as_json: JsonOption = False) -> None:
    """Take a person out of a team; it counts within 5 seconds, and revokes the keys that they have made there."""

    async def work(client: Client) -> Json:
        path = f"/v1/teams/{client.account}/members/{await accounts.member_id(client, user)}"
        return await client.post(f"{path}:remove", {})

    _do(team, work, FIELDS, as_json=as_json)


@app.command()
def leave(team: Team, as_json: JsonOption = False) -> None:
    """Leave a team."""

    async def work(client: Client) -> Json:
        return await client.post(f"/v1/teams/{client.account}:leave", {})

    _do(team, work, FIELDS, as_json=as_json)


@app.command()
def delete(team: Team, as_json: JsonOption = False) -> None:
    """Delete a team that has no workspaces; nobody acts in it from then on."""

    async def work(client: Client) -> Json:
        return await client.delete(f"/v1/teams/{client.account}")

    _do(team, work, FIELDS, as_json=as_json)


def _do(team: str, work: Callable[[Client], Awaitable[Json]], fields: tuple[str, ...], *, as_json: bool) -> None:
    """Make calls in a team and print what the last one answers."""

    async def printed(client: Client, output: Output) -> None:
        output.resource(await work(client), fields)

    context.run(printed, as_json=as_json, account=team)


def _member(user: str, role: str) -> Json:
    return {"userId" if ids.is_id(user) else "handle": user, "role": role.upper()}
