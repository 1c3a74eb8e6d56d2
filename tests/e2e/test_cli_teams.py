"""Teams with the command line."""

import httpx2

from chassis import ids
from tests.support.embedded_stack import EmbeddedStack
from tests.support.waiting import until


async def test_cli_team_is_made_worked_in_and_left(embedded_stack: EmbeddedStack) -> None:
    """Named by its handle, in options and in the environment; colleagues by theirs."""
    stack = embedded_stack
    team, colleague = (f"{kind}-{ids.new().hex[-8:]}" for kind in ("team", "ada"))
    async with httpx2.AsyncClient(base_url=stack.api.url) as http:
        assert (await http.post("/v1/users", json={"user": {"handle": colleague}})).is_success
    (made,) = (await stack.command("team", "create", team, "--member", f"{colleague}=viewer", "--json")).json()
    assert made["memberCount"] == 2
    assert team in (await stack.command("team", "list")).output
    shown = (await stack.command("team", "get", team)).output
    assert ("OWNER" in shown, "VIEWER" in shown, colleague in shown) == (True, True, True)

    async def has_chat() -> bool:
        listed = await stack.command("chat", "list", "--json", STATEROOM_ACCOUNT=team)
        return [chat["chatId"] for chat in listed.json()] == [made["chatId"]]

    await until(has_chat)
    posted = await stack.command("chat", "post", str(made["chatId"]), "hello", "--account", team)
    assert posted.code == 0
    refused = await stack.command("team", "leave", team)
    assert (refused.code, "would have no owner" in refused.errors) == (4, True)
    (promoted,) = (await stack.command("team", "role", team, colleague, "owner", "--json")).json()
    assert promoted["role"] == "OWNER"
    (removed,) = (await stack.command("team", "remove", team, colleague, "--json")).json()
    assert removed["memberCount"] == 1
    unknown = await stack.command("workspace", "list", "--account", "nobody-at-all")
    assert (unknown.code, "You belong to no team 'nobody-at-all'" in unknown.errors) == (4, True)
    assert (await stack.command("team", "delete", team)).code == 0
