"""From what a person types to the id that the API wants."""

import shlex
from collections.abc import Mapping

from chassis import ids
from cli import program
from cli.client import Client
from cli.errors import Refused, WrongUse

NOT_FOUND = 404
MANY = 1000
"""Resources asked for to find one among them, or to show names beside ids."""


async def workspace_id(client: Client, name_or_id: str) -> str:
    """Return the id of the workspace that is called so.

    Raises:
        Refused: there is none.
    """
    if ids.is_id(name_or_id):
        return name_or_id
    # An empty name would be no filter, and the answer somebody's newest room.
    if name_or_id:
        async for workspace in client.pages("/v1/workspaces", "workspaces", limit=1, name=name_or_id):
            return str(workspace["workspaceId"])
    msg = (
        f"There is no workspace {name_or_id!r} in this account;"
        f" `{program.name()} workspace list` shows those there are."
    )
    raise Refused(msg, reason="WORKSPACE_NOT_FOUND", code=NOT_FOUND)


async def deleted_workspace_id(client: Client, name_or_id: str) -> str:
    """Return the id of the one deleted workspace that was called so.

    Raises:
        Refused: there is none, or several were.
    """
    if ids.is_id(name_or_id):
        return name_or_id
    filters = {"name": name_or_id, "state": "DELETED", "showDeleted": "true"}
    found = [each async for each in client.pages("/v1/workspaces", "workspaces", limit=MANY, **filters)]
    if name_or_id and found:
        hints = {str(each["workspaceId"]): f"{each['deleteTime'][:19]}Z" for each in found}
        return _only(hints, f"deleted workspaces were called {name_or_id!r}")
    msg = (
        f"There is no deleted workspace {name_or_id!r} in this account;"
        f" `{program.name()} workspace list --deleted` shows those there are."
    )
    raise Refused(msg, reason="WORKSPACE_NOT_FOUND", code=NOT_FOUND)


def saves_of(workspace: str) -> dict[str, str]:
    """Return the filter for the saves of a workspace that may be gone; none for an empty text."""
    if ids.is_id(workspace):
        return {"workspaceId": workspace}
    return {"workspaceName": workspace} if workspace else {}


async def save_id(client: Client, name_or_id: str) -> str:
    """Return a save's id as it is, and for the name of a workspace that of its newest complete save.

    Raises:
        Refused: there is none.
    """
    if ids.is_id(name_or_id):
        return name_or_id
    if name_or_id:
        async for save in client.pages("/v1/saves", "saves", limit=MANY, **saves_of(name_or_id)):
            if save["state"] == "COMPLETE":
                return str(save["saveId"])
    msg = f"No workspace {name_or_id!r} was saved; `{program.name()} workspace saves` shows the saves there are."
    raise Refused(msg, reason="SAVE_NOT_FOUND", code=NOT_FOUND)


def id_of_save(text: str) -> str:
    """Return a save's id as it is. Refused when it is none."""
    if ids.is_id(text):
        return text
    msg = f"{text!r} is no save's id; `{program.name()} workspace saves` shows those there are."
    raise Refused(msg, reason="SAVE_NOT_FOUND", code=NOT_FOUND)


async def workspace_names(client: Client) -> dict[str, str]:
    """Return the names of the account's workspaces by their ids."""
    pages = client.pages("/v1/workspaces", "workspaces", limit=MANY)
    return {str(workspace["workspaceId"]): str(workspace["name"]) async for workspace in pages}


async def workflow_id(client: Client, name_or_id: str) -> str:
    """Return the id of the one active version of a workflow that is called so.

    Raises:
        Refused: there is none, or there are several.
    """
    return await _active_id(client, name_or_id, "workflow", "workflow list")


async def agent_id(client: Client, name_or_id: str) -> str:
    """Return the same of an agent."""
    return await _active_id(client, name_or_id, "agent", "workflow agent list")


async def _active_id(client: Client, name_or_id: str, noun: str, listing: str) -> str:
    if ids.is_id(name_or_id):
        return name_or_id
    filters = {"name": name_or_id, "state": "ACTIVE"}
    found = [each async for each in client.pages(f"/v1/{noun}s", f"{noun}s", limit=MANY, **filters)]
    if name_or_id and found:
        hints = {str(each[f"{noun}Id"]): f"version {each['versionNumber']}" for each in found}
        return _only(hints, f"active {noun}s are called {name_or_id!r}")
    msg = (
        f"There is no active {noun} {name_or_id!r} in this account; `{program.name()} {listing}` shows those there are."
    )
    raise Refused(msg, reason=f"{noun.upper()}_NOT_FOUND", code=NOT_FOUND)


async def api_key_id(client: Client, text: str) -> str:
    """Return the id of the caller's one active key that has this name or key prefix.

    Raises:
        Refused: there is none, or there are several.
    """
    if ids.is_id(text):
        return text
    pages = client.pages("/v1/apiKeys", "apiKeys", limit=MANY, state="ACTIVE")
    found = [key async for key in pages if text in {key["name"], key["keyPrefix"]}]
    if found:
        hints = {str(each["apiKeyId"]): str(each["keyPrefix"]) for each in found}
        return _only(hints, f"active keys are called {text!r}")
    msg = f"You have no active key {text!r} in this account; `{program.name()} key list` shows those there are."
    raise Refused(msg, reason="API_KEY_NOT_FOUND", code=NOT_FOUND)


async def terminal_id(client: Client, workspace_or_id: str) -> str:
    """Return a session's id as it is, and for a workspace's name the one terminal that lives there.

    Raises:
        Refused: no terminal lives there, or several do.
    """
    if ids.is_id(workspace_or_id):
        return workspace_or_id
    filters = {"workspaceId": await workspace_id(client, workspace_or_id), "kind": "TERMINAL", "state": "ACTIVE"}
    found = [each async for each in client.pages("/v1/sessions", "sessions", limit=MANY, **filters)]
    if len(found) == 1:
        return str(found[0]["sessionId"])
    if not found:
        command = f"{program.name()} session create {shlex.quote(workspace_or_id)} --attach"
        msg = f"No terminal is active in {workspace_or_id!r}; open one: {command}"
        raise Refused(msg)
    commands = (f"\n{program.name()} session attach {each['sessionId']}  # {each['title']}" for each in found)
    msg = f"{len(found)} terminals are active in {workspace_or_id!r}; attach to one of them:{''.join(commands)}"
    raise Refused(msg)


async def audit_log_id(client: Client, text: str) -> str:
    """Return the id of the one entry, among the newest, whose digest begins so.

    Raises:
        Refused: there is none, or there are several.
    """
    if ids.is_id(text):
        return text
    pages = client.pages("/v1/auditLogs", "auditLogs", limit=MANY)
    found = [str(each["auditLogId"]) async for each in pages if text and each["digest"].startswith(text.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"The digests of {len(found)} entries begin with {text!r}; give more of it."
        raise Refused(msg)
    msg = (
        f"{text!r} is no entry's id, and no digest of the newest {MANY} begins with it;"
        f" `{program.name()} audit list` shows them."
    )
    raise Refused(msg, reason="AUDIT_LOG_NOT_FOUND", code=NOT_FOUND)


def _only(hints: Mapping[str, str], what: str) -> str:
    """Return the one id there is; `hints` tell several apart. Refused when there are several of `what`."""
    if len(hints) == 1:
        return next(iter(hints))
    which = ", ".join(f"{identity} ({hint})" for identity, hint in hints.items())
    msg = f"{len(hints)} {what}; give the id of one of them: {which}."
    raise Refused(msg)


def session_path(session_id: str) -> str:
    """Return the path of a session. Refused when the text is no id."""
    return path_of("session", session_id)


def path_of(noun: str, identity: str) -> str:
    """Return the path of a resource that people name by its id alone, by the command's noun for it.

    Raises:
        Refused: the text is no id.
    """
    if not ids.is_id(identity):
        msg = f"{identity!r} is no {noun}'s id; `{program.name()} {noun} list` shows those there are."
        raise Refused(msg, reason=f"{noun.upper()}_NOT_FOUND", code=NOT_FOUND)
    return f"/v1/{noun}s/{identity}"


def share_link_id(text: str) -> str:
    """Return a share link's id as it is.

    Raises:
        Refused: it is none.
    """
    if not ids.is_id(text):
        msg = f"{text!r} is no share link's id; `{program.name()} session shares` shows those there are."
        raise Refused(msg, reason="SHARE_LINK_NOT_FOUND", code=NOT_FOUND)
    return text


def preview_path(preview_id: str) -> str:
    """Return the path of a preview.

    Raises:
        Refused: this is no preview's id.
    """
    if not ids.is_id(preview_id):
        msg = f"{preview_id!r} is no preview's id; `{program.name()} preview list` shows those there are."
        raise Refused(msg, reason="PREVIEW_NOT_FOUND", code=NOT_FOUND)
    return f"/v1/previews/{preview_id}"


def pair(text: str, form: str = "KEY=VALUE") -> tuple[str, str]:
    """Return the two sides of KEY=VALUE; `form` is what the command calls it.

    Raises:
        WrongUse: there is no equals sign, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        msg = f"{text!r} is not {form}."
        raise WrongUse(msg)
    return key, value
