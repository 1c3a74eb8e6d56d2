"""Editor sessions, as commands use them: one for each workspace, whoever opened it."""

from cli.client import Client, Json


async def editor_session(client: Client, workspace_id: str) -> Json:
    """Return the newest editor that is active in a workspace; a new one if there is none."""
    filters = {"workspaceId": workspace_id, "kind": "EDITOR", "state": "ACTIVE"}
    async for session in client.pages("/v1/sessions", "sessions", limit=1, **filters):
        return session
    return await client.post("/v1/sessions", {"workspaceId": workspace_id, "kind": "EDITOR"})


async def open_buffer(client: Client, workspace_id: str, path: str) -> Json:
    """Return the buffer of a file, with unsaved text of sessions that have ended if there is any."""
    session = await editor_session(client, workspace_id)
    filters = {"workspaceId": workspace_id, "unsaved": "true"}
    left = [
        each async for each in client.pages("/v1/buffers", "buffers", limit=1000, **filters) if each["path"] == path
    ]
    here = [each for each in left if each["sessionId"] == session["sessionId"]]
    if left and not here and await _has_ended(client, left[0]["sessionId"]):
        await client.post(f"/v1/buffers/{left[0]['bufferId']}:recover", {"sessionId": session["sessionId"]})
    wanted = {"path": path, "allowMissing": True}
    return await client.post(f"/v1/sessions/{session['sessionId']}/buffers", wanted)


async def _has_ended(client: Client, session_id: str) -> bool:
    session = await client.get(f"/v1/sessions/{session_id}")
    return session["state"] in {"STOPPED", "FAILED", "LOST"}
