"""Conversations with the command line."""

import json

from tests.support.embedded_stack import EmbeddedStack


async def test_cli_context_talks_and_acts_in_a_room(embedded_stack: EmbeddedStack) -> None:
    """A context, what is said, edits that run in the room, their undo, and the end."""
    stack = embedded_stack
    await stack.command("workspace", "create", "talk", "--json")
    (made,) = (await stack.command("context", "create", "talk", "--feature", "login", "--activate", "--json")).json()
    context = str(made["contextId"])
    await stack.command("context", "say", context, "hello")
    (active,) = (await stack.command("context", "active", "--workspace", "talk", "--json")).json()
    assert (active["contextId"], active["config"]) == (context, {"features": ["login"]})
    edits = json.dumps([{"create": {"path": "made.txt", "content": "by an action"}}]).encode()
    edited = await stack.command("action", "edit", context, "-", stdin=edits)
    assert (edited.code, "made.txt" in edited.output, "\x1e" in edited.errors) == (0, True, False), edited.errors
    shown = await stack.command("exec", "talk", "--", "cat", "made.txt")
    assert shown.output == "by an action"
    (action,) = (await stack.command("action", "list", context, "--state", "completed", "--json")).json()
    again = await stack.command("action", "edit", context, "-", stdin=edits)
    assert (again.code, "made.txt is there already" in again.errors) == (4, True)
    (undone,) = (await stack.command("action", "undo", str(action["actionId"]), "--json")).json()
    assert undone["state"] == "COMPLETED"
    (completed,) = (await stack.command("context", "complete", context, "--json")).json()
    assert completed["state"] == "COMPLETED"
    said = (await stack.command("context", "messages", context, "--follow", "--json")).json()
    assert [one["role"] for one in said] == ["USER", "SYSTEM", "SYSTEM", "SYSTEM"]


async def test_cli_chat_shows_what_is_said(embedded_stack: EmbeddedStack) -> None:
    """Begun, posted in, listed and read."""
    stack = embedded_stack
    (chat,) = (await stack.command("chat", "create", "--private", "--json")).json()
    await stack.command("chat", "post", str(chat["chatId"]), "hello")
    messages = await stack.command("chat", "messages", str(chat["chatId"]))
    assert "hello" in messages.output
    (read,) = (await stack.command("chat", "read", str(chat["chatId"]), "--json")).json()
    assert read["readSequence"] == "1"
    (listed,) = (await stack.command("chat", "list", "--json")).json()
    assert (listed["chatId"], listed["isPrivate"]) == (chat["chatId"], True)
