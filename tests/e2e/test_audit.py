"""The audit log of real work: complete, provable by anyone, and traceable to the request."""

from base64 import b64decode
from hashlib import sha256

import httpx2

from chassis import ids
from cli import proof
from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import create_workspace, opened_session, until_state
from tests.support.waiting import until


async def entries_of(client: Client, entity_id: str, *actions: str) -> list[Json]:
    """Return the entries of one entity, oldest first, once there is one for each action."""
    found: list[Json] = []

    async def complete() -> bool:
        pages = client.pages("/v1/auditLogs", "auditLogs", limit=1000, entityId=entity_id)
        found[:] = [entry async for entry in pages][::-1]
        return len(found) >= len(actions)

    await until(complete)
    assert [entry["action"] for entry in found] == list(actions)
    return found


def leaf(entry: Json) -> str:
    """Compute an entry's digest from its stored bytes, as the contract says and as any stranger would."""

    def sized(part: bytes) -> bytes:
        return len(part).to_bytes(8, "big") + part

    change = entry["change"]
    header, salt, payload = (b64decode(change.get(name, "")) for name in ("header", "salt", "payload"))
    numbers = [int(change.get(name, 0)).to_bytes(8, "big") for name in ("epoch", "position")]
    content = sha256(sized(salt) + sized(payload)).digest()
    parts = [change["source"].encode(), *numbers, header, content]
    return sha256(b"\x00" + b"".join(map(sized, parts))).hexdigest()


async def test_audit_entries_digests_can_be_recomputed(client: Client) -> None:
    """Every entry of the account has the digest of its own stored bytes, and shows what they say."""
    workspace = await create_workspace(client, f"proof-{ids.new().hex[-8:]}")
    await entries_of(client, workspace["workspaceId"], "workspace.created", "workspace.activated")
    count = 0
    async for listed in client.pages("/v1/auditLogs", "auditLogs", limit=100):
        entry = await client.get(f"/v1/auditLogs/{listed['auditLogId']}")
        assert entry["digest"] == listed["digest"] == leaf(entry)
        assert proof.contradictions(entry) == []
        count += 1
    assert count > 3


async def test_audit_verify_recomputes_and_compares_with_what_was_noted(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """The beginning of a digest finds the entry; another digest than its own fails with exit code 1."""
    stack = embedded_stack
    workspace = await create_workspace(client, f"noted-{ids.new().hex[-8:]}")
    entry, _ = await entries_of(client, workspace["workspaceId"], "workspace.created", "workspace.activated")
    short, digest = entry["digest"][:16], entry["digest"]
    (shown,) = (await stack.command("audit", "show", short, "--json")).json()
    assert (shown["auditLogId"], "change" in shown) == (entry["auditLogId"], True)
    plain = await stack.command("audit", "verify", short)
    assert (plain.code, digest in plain.output, "--digest" in plain.errors) == (0, True, True), plain.errors
    noted = await stack.command("audit", "verify", entry["auditLogId"], "--digest", digest)
    assert (noted.code, "nobody rewrote" in noted.errors) == (0, True), noted.errors
    other = await stack.command("audit", "verify", entry["auditLogId"], "--digest", "0" * 64)
    assert (other.code, other.output, "was rewritten" in other.errors) == (1, "", True)
    missing = await stack.command("audit", "show", "feedfeedfeedfeed")
    assert (missing.code, "audit list" in missing.errors) == (4, True)


async def test_delete_workspace_its_sessions_end_and_say_why(client: Client) -> None:
    """A deleted workspace stops its sessions; their entries name the deletion as their cause."""
    workspace = await create_workspace(client, f"deleted-{ids.new().hex[-8:]}")
    async with opened_session(client, workspace["workspaceId"]) as session_id:
        await client.call("DELETE", f"/v1/workspaces/{workspace['workspaceId']}", parameters={"force": "true"})
        session = await until_state(client, session_id, "STOPPED", "LOST", "FAILED")
    assert (session["state"], session["stopReason"]) == ("STOPPED", "WORKSPACE_DELETED")
    room = ("workspace.created", "workspace.activated", "workspace.deleted")
    deleted = (await entries_of(client, workspace["workspaceId"], *room))[-1]
    actions = ("session.created", "session.started", "session.stop_requested", "session.stopped")
    *_, asked, stopped = await entries_of(client, session_id, *actions)
    assert asked["causeEventId"] == stopped["causeEventId"] == deleted["auditLogId"]
    assert asked["traceId"] == deleted["traceId"]


async def test_audit_entry_names_the_request_that_made_it(embedded_stack: EmbeddedStack, client: Client) -> None:
    """The request id and trace id of a REST call are its entry's, and are found by the filter."""
    request_id, trace_id = f"test-{ids.new()}", ids.new().hex
    headers = {
        "Authorization": f"Bearer {embedded_stack.api.api_key}",
        "X-Request-Id": request_id,
        "Traceparent": f"00-{trace_id}-00f067aa0ba902b7-01",
    }
    async with httpx2.AsyncClient(base_url=embedded_stack.api.url, headers=headers) as http:
        answer = await http.post("/v1/apiKeys", json={"name": "traced"})
    assert answer.is_success, answer.text
    assert answer.headers["x-request-id"] == request_id
    (entry,) = await entries_of(client, answer.json()["apiKey"]["apiKeyId"], "api_key.created")
    assert (entry["requestId"], entry["traceId"]) == (request_id, trace_id)
    found = await client.get("/v1/auditLogs", requestId=request_id)
    assert [one["auditLogId"] for one in found["auditLogs"]] == [entry["auditLogId"]]
