"""From what a person calls an account to its id."""

from chassis import ids
from cli import program
from cli.client import Client
from cli.endpoint import Endpoint
from cli.errors import Refused

_NOT_FOUND = 404
_MANY = 1000
"""Teams among which one is looked for."""


async def account_id(endpoint: Endpoint, handle_or_id: str) -> str:
    """Return the id of one's own account or team that has this handle; an id and an empty text as they are.

    A guest acts in no account, whatever the environment says.

    Raises:
        Refused: the key's person belongs to no team with the handle.
    """
    if not endpoint.api_key:
        return ""
    if not handle_or_id or ids.is_id(handle_or_id):
        return handle_or_id
    async with Client(endpoint) as client:
        async for team in client.pages("/v1/teams", "teams", limit=_MANY):
            if team["handle"] == handle_or_id:
                return str(team["teamId"])
        user = await client.get("/v1/users/me")
    if user["handle"] == handle_or_id:
        return str(user["userId"])
    msg = f"You belong to no team {handle_or_id!r}; `{program.name()} team list` shows those you belong to."
    raise Refused(msg, reason="TEAM_NOT_FOUND", code=_NOT_FOUND)


async def member_id(client: Client, handle_or_id: str) -> str:
    """Return the user id of a member of the team in which the client acts.

    Raises:
        Refused: nobody in the team is called so.
    """
    if ids.is_id(handle_or_id):
        return handle_or_id
    async for member in client.pages(f"/v1/teams/{client.account}/members", "members", limit=_MANY):
        if member["handle"] == handle_or_id:
            return str(member["userId"])
    msg = f"Nobody called {handle_or_id!r} belongs to this team."
    raise Refused(msg, reason="MEMBER_NOT_FOUND", code=_NOT_FOUND)
