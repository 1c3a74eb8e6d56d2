"""Who may see a preview, and who may not, whatever they show."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from chassis import ids
from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import PAGE, bearer, create_preview, pass_of, until_preview, visiting
from tests.support.source import query
from tests.support.waiting import until


async def test_preview_opened_by_a_ticket_gives_the_browser_a_pass_for_it(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """The first request exchanges the ticket and goes on without it; the pass is this browser's and this host's."""
    opened = await client.post(f"/v1/previews/{preview['previewId']}:open", {})
    where = urlsplit(opened["url"])
    async with visiting(embedded_stack.api, preview) as browser:
        answer = await browser.get(f"//evil.example/a%20b?x=1&{where.query}&y=2", headers=PAGE)
        assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
        assert answer.headers["location"] == f"http://{browser.host}//evil.example/a%20b?x=1&y=2"
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax"]
        sent = {"Cookie": f"theirs=1; {cookie}; more=2"}
        seen = await browser.get("/headers", headers=PAGE | sent)
    headers = dict(seen.json()["headers"])
    assert headers["cookie"] == "theirs=1; more=2"
    assert cookie.partition("=")[2] not in seen.text

    async def on_record() -> bool:
        pages = client.pages("/v1/auditLogs", "auditLogs", limit=100, entityId=preview["previewId"])
        by_action = {entry["action"]: entry async for entry in pages}
        told = [by_action[name]["actorId"] for name in ("preview.opened", "preview.entered") if name in by_action]
        return len(told) == 2 and told[0] == told[1]  # both

    await until(on_record)


async def test_ticket_works_once_and_for_a_short_time_at_its_own_origin(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """A second use, a use at another origin and a late one are all the same: refused."""
    api, path = embedded_stack.api, f"/v1/previews/{preview['previewId']}:open"
    tickets = [urlsplit((await client.post(path, {}))["url"]).query for _ in range(3)]
    late = "UPDATE session.preview_passes SET expire_time = now() - $2::interval WHERE preview_id = $1 AND NOT redeemed"
    async with visiting(api, preview) as browser, visiting(api, _other_origin(preview)) as elsewhere:
        assert (await browser.get(f"/?{tickets[0]}")).status_code == 303
        refused = [await browser.get(f"/?{tickets[0]}"), await elsewhere.get(f"/?{tickets[1]}")]
        await query(embedded_stack.admin_url, late, ids.parse(preview["previewId"]), timedelta(seconds=1))
        refused += [await browser.get(f"/?{tickets[2]}"), await browser.get("/?stateroom_ticket=srt_a_b_c")]
    assert [_refusal(answer) for answer in refused] == [(401, "PREVIEW_PASS_REFUSED")] * 4
    assert not any("set-cookie" in answer.headers for answer in refused)


async def test_stolen_pass_of_another_preview_opens_nothing(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """A pass is for one preview; at the origin of a second one of the same account it is refused."""
    api = embedded_stack.api
    other = await client.post("/v1/previews", {"workspaceId": preview["workspaceId"], "port": preview["port"]})
    cookie = await pass_of(api, client, preview)
    async with visiting(api, preview, Cookie=cookie) as own, visiting(api, other, Cookie=cookie) as thief:
        assert (await own.get("/")).text == "hello"
        assert _refusal(await thief.get("/")) == (401, "PREVIEW_PASS_REFUSED")
    await client.delete(f"/v1/previews/{other['previewId']}")


async def test_origin_alone_opens_nothing_and_says_nothing(embedded_stack: EmbeddedStack, preview: Json) -> None:
    """Without a pass every origin below the host answers the same, whether there is such a preview or not."""
    api = embedded_stack.api
    host = urlsplit(preview["url"]).netloc
    others = [host, f"{ids.new().hex}.preview.localhost", "preview.localhost", "api.preview.localhost", f"x.{host}"]
    async with visiting(api, preview) as nobody:
        for name in [*others, host.upper(), f"{host.partition(':')[0]}.", f"{host}, 127.0.0.1"]:
            for path in ("/", "/v1/users/me", "/healthz", "/docs"):
                answer = await nobody.get(path, headers={"Host": name})
                assert _refusal(answer) == (401, "PREVIEW_PASS_MISSING"), (name, path)
            key = bearer(api) if name != host and "preview" in name.partition(".")[0] else {}
            assert "users.read" not in (await nobody.get("/v1/users/me", headers={"Host": name} | key)).text
        page = await nobody.get("/", headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")


async def test_preview_of_another_account_is_as_good_as_none(embedded_stack: EmbeddedStack, preview: Json) -> None:
    """A stranger's key finds no preview, at its origin or in the API."""
    api = embedded_stack.api
    async with visiting(api, preview) as made:
        stranger = (
            await made.http.post(f"{api.url}/v1/users", json={"user": {"handle": f"s-{ids.new().hex[-8:]}"}})
        ).json()
        key = {"Authorization": f"Bearer {stranger['secret']}"}
        assert _refusal(await made.get("/", headers=key)) == (404, "PREVIEW_NOT_FOUND")
        for verb in ("open", "stop", "restart"):
            url = f"{api.url}/v1/previews/{preview['previewId']}:{verb}"
            assert _refusal(await made.http.post(url, json={}, headers=key)) == (404, "PREVIEW_NOT_FOUND")
        listed = (await made.http.get(f"{api.url}/v1/previews", headers=key)).json()
    assert listed.get("previews", []) == []


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ("GET", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200),
        ("GET", {"Origin": "http://evil.preview.localhost"}, 403),
        ("GET", {"Origin": "{own}"}, 200),
        ("POST", {"Origin": "http://evil.preview.localhost"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Origin": "{own}"}, 200),
    ],
)
async def test_pages_of_other_origins_do_nothing_with_a_pass(
    embedded_stack: EmbeddedStack, client: Client, preview: Json, method: str, headers: dict[str, str], status: int
) -> None:
    """Previews are one site to a browser, so each is kept from the others here: only a followed link comes through."""
    cookie = await pass_of(embedded_stack.api, client, preview)
    async with visiting(embedded_stack.api, preview, Cookie=cookie) as browser:
        sent = {name: value.replace("{own}", f"http://{browser.host}") for name, value in headers.items()}
        assert (await browser.ask(method, "/", headers=sent)).status_code == status


async def test_revoked_key_ends_the_passes_made_with_it(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """A pass is no credential of its own: it works as long as the key that opened the preview."""
    made = await client.post("/v1/apiKeys", {"name": f"visitor-{ids.new().hex[-8:]}", "scopes": ["previews.read"]})
    api = embedded_stack.api
    async with visiting(api, preview) as browser:
        url = f"{api.url}/v1/previews/{preview['previewId']}:open"
        opened = (await browser.http.post(url, json={}, headers={"Authorization": f"Bearer {made['secret']}"})).json()
        ticket = await browser.get(f"/?{urlsplit(opened['url']).query}")
        cookie = {"Cookie": ticket.headers["set-cookie"].partition(";")[0]}
        async with browser.connect("/socket", cookie) as socket:
            await socket.recv()
            await client.delete(f"/v1/apiKeys/{made['apiKey']['apiKeyId']}")
            await socket.wait_closed()
        assert socket.close_code == 4401
        assert _refusal(await browser.get("/", headers=cookie)) == (401, "CREDENTIAL_INVALID")


async def test_stopped_preview_ends_open_connections_and_comes_back_by_restart(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """Stopping reaches who is connected, and the command; the same pass works after a restart in a new session."""
    workspace = await client.post("/v1/workspaces", {"name": f"stops-{ids.new().hex[-8:]}"})
    api, room = embedded_stack.api, embedded_stack.room(workspace["workspaceId"])

    async def ready() -> bool:
        return bool((await client.get(f"/v1/workspaces/{workspace['workspaceId']}"))["state"] == "ACTIVE")

    await until(ready)
    preview = await create_preview(client, workspace["workspaceId"], room, environment={"FLAVOUR": "mint"})
    path, cookie = f"/v1/previews/{preview['previewId']}", await pass_of(api, client, preview)
    async with visiting(api, preview, Cookie=cookie) as browser:
        async with browser.connect("/socket") as socket:
            await socket.recv()
            stopped = await client.post(f"{path}:stop", {})
            await socket.wait_closed()
        assert (stopped["state"], stopped["stateReason"]) == ("STOPPED", "Somebody stopped it.")
        assert _refusal(await browser.get("/")) == (503, "PREVIEW_STOPPED")
        restarted = await client.post(f"{path}:restart", {"environment": {"FLAVOUR": "mint"}})
        assert (restarted["state"], restarted["sessionId"] != preview["sessionId"]) == ("GENERATING", True)
        await until_preview(client, preview["previewId"], "LIVE")
        assert (await browser.get("/")).text == "hello"
        old = await client.get(f"/v1/sessions/{preview['sessionId']}")
        assert (old["state"], old["stopReason"]) == ("STOPPED", "TERMINATED")
        await client.delete(path)
        assert _refusal(await browser.get("/")) == (401, "PREVIEW_PASS_REFUSED")


def _other_origin(preview: Json) -> Json:
    return {"url": re.sub(r"//\w+", f"//{ids.new().hex}", preview["url"])}


def _refusal(answer: object) -> tuple[int, str]:
    error = answer.json()["error"]  # type: ignore[attr-defined]
    return error["code"], error["details"][0]["reason"]
