"""From what a person types to the id that the API wants."""

from uuid import UUID

from cli.client import Client
from cli.errors import Refused

NOT_FOUND = 404


async def workspace_id(client: Client, name_or_id: str) -> str:
    """Return the id of the workspace that is called so.

    Raises:
        Refused: there is none.
    """
    if is_id(name_or_id):
        return name_or_id
    async for workspace in client.pages("/v1/workspaces", "workspaces", limit=1, name=name_or_id):
        return str(workspace["workspaceId"])
    msg = f"There is no workspace {name_or_id!r} in this account; `stateroom ws list` shows those there are."
    raise Refused(msg, reason="WORKSPACE_NOT_FOUND", code=NOT_FOUND)


def is_id(text: str) -> bool:
    """Whether the text is a UUID as the API writes it."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
