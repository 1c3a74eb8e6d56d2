"""Two accounts on one installation, and keys that stop working."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chassis import ids
from cli.client import Client, Json
from cli.endpoint import Endpoint
from cli.errors import Refused
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import opened_session

REVOKED_SECONDS = 5.0


@pytest_asyncio.fixture
async def stranger(embedded_stack: EmbeddedStack) -> AsyncIterator[Client]:
    """Return a client that acts as a user who has just signed up."""
    url = embedded_stack.api.url
    async with httpx2.AsyncClient(base_url=url) as http:
        answer = await http.post("/v1/users", json={"user": {"handle": f"stranger-{ids.new().hex[-8:]}"}})
    assert answer.is_success, answer.text
    async with Client(Endpoint(url, answer.json()["secret"])) as client:
        yield client


async def test_second_account_sees_nothing_of_the_first(
    embedded_stack: EmbeddedStack, client: Client, stranger: Client, workspace_id: str
) -> None:
    """Lists are empty but for the account's own entries; what exists elsewhere is answered as what does not exist."""
    async with opened_session(client, workspace_id) as session_id:
        entry = (await client.get("/v1/auditLogs", pageSize=1))["auditLogs"][0]
        assert (await stranger.get("/v1/workspaces")).get("workspaces", []) == []
        assert (await stranger.get("/v1/sessions")).get("sessions", []) == []
        own = (await stranger.get("/v1/users/me"))["userId"]
        assert own != embedded_stack.endpoint.user_id
        async for seen in stranger.pages("/v1/auditLogs", "auditLogs", limit=100):
            assert seen["actorId"] == own
        calls = [
            ("GET", f"/v1/workspaces/{workspace_id}", None),
            ("DELETE", f"/v1/workspaces/{workspace_id}", None),
            ("GET", f"/v1/workspaces/{workspace_id}:watch", None),
            ("POST", "/v1/sessions", {"workspaceId": workspace_id}),
            ("GET", f"/v1/sessions/{session_id}", None),
            ("POST", f"/v1/sessions/{session_id}:write", {"data": "eA=="}),
            ("POST", f"/v1/sessions/{session_id}:resize", {"columns": 10, "rows": 10}),
            ("POST", f"/v1/sessions/{session_id}:terminate", {}),
            ("GET", f"/v1/sessions/{session_id}/output", None),
            ("GET", f"/v1/sessions/{session_id}/events", None),
            ("GET", f"/v1/auditLogs/{entry['auditLogId']}", None),
        ]
        answers = {f"{method} {path}": await _refusal(stranger, method, path, body) for method, path, body in calls}
        assert set(answers.values()) == {404}, answers
        assert (await client.get(f"/v1/sessions/{session_id}"))["state"] == "ACTIVE"


async def _refusal(client: Client, method: str, path: str, body: Json | None) -> int:
    """Return the status of a refused call, 0 of one that was answered."""
    try:
        await client.call(method, path, body=body)
    except Refused as refusal:
        return refusal.code
    return 0


async def _read_on(socket: ClientConnection) -> None:
    async with asyncio.timeout(2 * REVOKED_SECONDS):
        while True:
            await socket.recv()


async def test_revoked_key_closes_its_open_connection(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A device attached with a key is thrown out within five seconds of the key's revocation, with 4401."""
    made = await client.post("/v1/apiKeys", {"name": "to be revoked"})
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with opened_session(client, workspace_id) as session_id:
        url = f"ws{embedded_stack.api.url.removeprefix('http')}/v1/sessions/{session_id}:attach?attach.offset=0"
        async with connect(url, additional_headers=headers) as socket:
            assert "attached" in json.loads(await socket.recv())
            await client.delete(f"/v1/apiKeys/{made['apiKey']['apiKeyId']}")
            began = time.monotonic()
            with pytest.raises(ConnectionClosed) as closed:
                await _read_on(socket)
        assert time.monotonic() - began < REVOKED_SECONDS
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert (await client.get(f"/v1/sessions/{session_id}"))["state"] == "ACTIVE"
