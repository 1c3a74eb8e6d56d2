"""Conversations with the command line."""

import json

from tests.support.embedded_stack import EmbeddedStack


async def test_cli_context_talks_and_acts_in_a_room(embedded_stack: EmbeddedStack, workspace_id: str) -> None:
    """A context, what is said, edits that run in the room, their undo, a server that is deployed, and the end."""
    stack = embedded_stack
    made = await stack.command("context", "create", workspace_id, "--feature", "login", "--activate", "--json")
    context = str(made.json()[0]["contextId"])
    await stack.command("context", "say", context, "hello")
    edits = json.dumps([{"create": {"path": f"{context}.txt", "content": "by an action"}}]).encode()
    (action,) = (await stack.command("action", "edit", context, "-", "--json", stdin=edits)).json()
    assert action["state"] == "COMPLETED"
    again = await stack.command("action", "edit", context, "-", stdin=edits)
    assert (again.code, f"{context}.txt is there already" in again.errors) == (4, True)
    undone = await stack.command("action", "undo", str(action["actionId"]))
    assert (undone.code, "DELETED" in undone.output, "\x1e" in undone.errors) == (0, True, False), undone.errors
    server = ("sh", "-c", "exec python3 -m http.server --bind 127.0.0.1 $PORT")
    deployed = await stack.command("action", "deploy", context, "--json", "--", *server)
    assert deployed.json()[0]["state"] == "COMPLETED", deployed.errors
    async with stack.client() as client:
        await client.delete(f"/v1/previews/{deployed.json()[0]['previewId']}")
    await stack.command("context", "complete", context)
    said = (await stack.command("context", "messages", context, "--follow", "--json")).json()
    assert [one["role"] for one in said] == ["USER"] + ["SYSTEM"] * 4


async def test_cli_chat_shows_what_is_said(embedded_stack: EmbeddedStack) -> None:
    """Begun, posted in, and listed."""
    stack = embedded_stack
    (chat,) = (await stack.command("chat", "create", "--private", "--json")).json()
    await stack.command("chat", "post", str(chat["chatId"]), "hello")
    assert "hello" in (await stack.command("chat", "messages", str(chat["chatId"]))).output
    listed = (await stack.command("chat", "list", "--json")).json()
    assert (chat["chatId"], True) in [(each["chatId"], each["isPrivate"]) for each in listed]
