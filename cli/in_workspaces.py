"""Lists of what an account has in its workspaces."""

from cli import resolve
from cli.client import Client, Json
from cli.render import Output


async def find(  # what is listed, and four ways to narrow it
    client: Client, output: Output, name: str, *, limit: int, state: str = "", workspace: str = "", **filters: str
) -> list[Json]:
    """Return the things of a collection, such as `sessions`; for people each with its `workspace` by name."""
    if state:
        filters["state"] = state.upper()
    if workspace:
        filters["workspaceId"] = await resolve.workspace_id(client, workspace)
    found = [each async for each in client.pages(f"/v1/{name}", name, limit=limit, **filters)]
    if output.as_json:
        return found
    names = await resolve.workspace_names(client)
    return [each | {"workspace": names.get(each["workspaceId"], "(deleted)")} for each in found]
