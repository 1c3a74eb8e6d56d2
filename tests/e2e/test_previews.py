"""Previews: a server in a room that browsers and programs reach through the gateway."""

import re
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from chassis import ids
from cli.client import Client, Json
from cli.errors import Refused
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import SERVER, bearer, create_preview, until_preview, visiting
from tests.support.sessions import create_workspace, output
from tests.support.source import query
from tests.support.waiting import until


async def test_preview_is_reached_with_a_credential_that_its_server_never_sees(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """A program shows its key; the server in the room gets the request without it, and knows where it was sent."""
    api = embedded_stack.api
    async with visiting(api, preview, **bearer(api)) as visitor:
        answer = await visitor.get("/headers?a=b&c")
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    headers = dict(seen["headers"])
    assert seen["path"] == "/headers?a=b&c"
    assert headers["host"] == headers["x-forwarded-host"] == visitor.host
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert "authorization" not in headers
    assert api.api_key not in answer.text


async def test_preview_of_a_command_says_where_it_runs_and_how_it_ended(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Its port is its own unless one is named; its output is a session's; its exit is the preview's error."""
    script = "echo port $PORT flavour $FLAVOUR; exit 7"
    wanted = {"workspaceId": workspace_id, "command": ["sh", "-c", script], "environment": {"FLAVOUR": "canary-mint"}}
    made = await client.post("/v1/previews", wanted)
    assert (made["title"], made["environmentNames"]) == ("sh", ["FLAVOUR"])
    assert "canary-mint" not in str(made)
    ended = await until_preview(client, made["previewId"], "ERROR")
    assert ended["stateReason"] == "Its command ended with exit code 7."
    said = await output(client, made["sessionId"])
    assert said == f"port {made['port']} flavour canary-mint\r\n".encode()
    with pytest.raises(Refused, match="give those of FLAVOUR again"):
        await client.post(f"/v1/previews/{made['previewId']}:restart", {})
    await client.delete(f"/v1/previews/{made['previewId']}")


async def test_preview_of_what_is_not_the_rooms_reaches_nothing(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Ports of the installation, which listens on the same machine, are as closed as those where nobody listens."""
    endpoint, api = embedded_stack.endpoint, embedded_stack.api
    nats = urlsplit(embedded_stack.nats_url("session")).port
    metrics = [urlsplit(url).port for url in endpoint.metrics.values()]
    services = [int(address.rpartition(":")[2]) for address in endpoint.services.values()]
    for port in (urlsplit(endpoint.gateway).port, nats, *services, *metrics, 1):
        made = await client.post("/v1/previews", {"workspaceId": workspace_id, "port": port})
        async with visiting(api, made, **bearer(api)) as program:
            answer = await program.get("/")
        error = answer.json()["error"]
        assert (error["code"], error["details"][0]["reason"]) == (502, "PORT_NOT_OPEN"), port
        assert error["message"] == f"No program of this workspace listens on port {port}."
        await client.delete(f"/v1/previews/{made['previewId']}")


async def test_bad_previews_are_refused_with_the_field_and_leave_nothing(
    client: Client, workspace_id: str, embedded_stack: EmbeddedStack
) -> None:
    """Each sentence names what is wrong; neither preview nor session exists afterwards."""
    sessions = (await client.get("/v1/sessions", workspaceId=workspace_id))["sessions"]
    previews = [each["previewId"] async for each in client.pages("/v1/previews", "previews", limit=200)]
    for wrong, reason in (
        ({}, "port: a preview needs a command or a port"),
        ({"port": 70000}, "port: "),
        ({"port": 80, "environment": {"A": "b"}}, "environment: variables are for a command"),
        ({"port": 80, "healthPath": "http://169.254.169.254/"}, "healthPath: "),
        ({"port": 80, "visibility": 2}, "visibility: "),
        ({"command": [""]}, "command: "),
        ({"command": ["no-such-program"]}, "has no program no-such-program"),
        ({"command": ["true"], "workingDirectory": "../.."}, "workingDirectory: "),
    ):
        with pytest.raises(Refused, match=re.escape(reason)):
            await client.post("/v1/previews", {"workspaceId": workspace_id, **wrong})
    assert [each["previewId"] async for each in client.pages("/v1/previews", "previews", limit=200)] == previews
    assert (await client.get("/v1/sessions", workspaceId=workspace_id))["sessions"] == sessions


async def test_preview_survives_its_service_and_ends_with_its_workspace(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """A killed service leaves it live, and it is looked at again; a workspace that is archived stops it for good."""
    workspace = await create_workspace(client, f"put-away-{ids.new().hex[-8:]}")
    room = embedded_stack.room(workspace["workspaceId"])
    made = await create_preview(client, workspace["workspaceId"], room, healthInterval="1s")
    beside = await client.post("/v1/previews", {"workspaceId": workspace["workspaceId"], "port": made["port"]})
    assert (await until_preview(client, beside["previewId"], "LIVE"))["title"] == f"port {made['port']}"
    await embedded_stack.kill("session")
    async with visiting(embedded_stack.api, made, **bearer(embedded_stack.api)) as program:

        async def answers() -> bool:
            return (await program.get("/")).status_code == 200

        await until(answers)
        kept = await client.get(f"/v1/previews/{made['previewId']}")
        assert (kept["state"], kept["etag"]) == ("LIVE", made["etag"])
        await client.post(f"/v1/workspaces/{workspace['workspaceId']}:archive", {"force": True})
        for each in (made, beside):
            stopped = await until_preview(client, each["previewId"], "STOPPED")
            assert stopped["stateReason"] == "Its workspace was archived."
        assert (await program.get("/")).status_code == 503
    await output(client, made["sessionId"])  # to its end
    session = await client.get(f"/v1/sessions/{made['sessionId']}")
    assert (session["state"], session["stopReason"]) == ("STOPPED", "WORKSPACE_ARCHIVED")


async def test_preview_that_stops_answering_says_so_and_comes_back(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A server that is paused is an error; as soon as it answers again, it is live again."""
    room = embedded_stack.room(workspace_id)
    made = await create_preview(client, workspace_id, room, healthInterval="1s", healthPath="/unhealthy")
    broken = await client.get(f"/v1/previews/{made['previewId']}")
    async with visiting(embedded_stack.api, made, **bearer(embedded_stack.api)) as program:
        await program.get("/break")
        broken = await until_preview(client, made["previewId"], "ERROR")
        assert broken["stateReason"] == "It answers GET /unhealthy with 503."
        await program.get("/repair")
        await until_preview(client, made["previewId"], "LIVE")
    await client.delete(f"/v1/previews/{made['previewId']}")


async def test_preview_that_nobody_visits_is_not_asked_and_fails_once_nothing_listens(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Answering would be work that nobody wants, and keep the session from ever being idle."""
    room = embedded_stack.room(workspace_id)
    script = f"python3 {SERVER.name} 2> requests & until [ -e closing ]; do sleep 0.1; done; kill $!; exec sleep 600"
    made = await create_preview(client, workspace_id, room, healthInterval="1s", command=["sh", "-c", script])
    requests = room / "files" / "requests"
    asked = requests.read_text().count("GET /")
    await _looked_at(embedded_stack, made, 3)
    assert requests.read_text().count("GET /") == asked > 0
    (room / "files" / "closing").touch()
    failed = await until_preview(client, made["previewId"], "ERROR")
    assert f"port {made['port']}" in failed["stateReason"]
    await client.delete(f"/v1/previews/{made['previewId']}")


async def _looked_at(stack: EmbeddedStack, preview: Json, times: int) -> None:
    """Wait until the reconciler has looked at a preview so many times more."""
    due = "SELECT reconcile_time FROM session.previews WHERE preview_id = $1"
    seen = set()

    async def enough() -> bool:
        seen.add((await query(stack.admin_url, due, UUID(preview["previewId"])))[0]["reconcile_time"])
        return len(seen) > times

    await until(enough)


async def test_cli_preview_is_made_opened_and_deleted(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """For scripts and for people; a refusal names the option."""
    stack = embedded_stack
    command = ("--env", "FLAVOUR=mint", workspace_id, "--", "sh", "-c", "sleep 600")
    (made,) = (await stack.command("preview", "create", "--json", "--title", "Shop", *command)).json()
    identity = str(made["previewId"])
    table = (await stack.command("preview", "list", "--workspace", workspace_id)).output
    assert table.splitlines()[1].split()[:2] == [identity, "GENERATING"]
    (opened,) = (await stack.command("preview", "open", "--json", identity)).json()
    assert str(opened["url"]).startswith(f"{made['url']}?stateroom_ticket=srt_")
    refused = await stack.command("preview", "restart", identity)
    assert (refused.code, "--env: values are not kept; give those of FLAVOUR again" in refused.errors) == (4, True)
    (deleted,) = (await stack.command("preview", "delete", "--json", identity)).json()
    assert (deleted["state"], "deleteTime" in deleted) == ("STOPPED", True)
