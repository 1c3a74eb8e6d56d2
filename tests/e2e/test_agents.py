"""A coding agent from the command line and over REST."""

import asyncio
from collections.abc import AsyncIterator

from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack, Finished
from tests.support.window import opened_window


async def test_cli_agent_is_started_asked_answered_and_cancelled(
    embedded_stack: EmbeddedStack, workspace_id: str, client: Client
) -> None:
    """One device asks, another answers; what happened is shown again to whoever comes later, also as SSE resumes."""
    stack = embedded_stack
    (made,) = (await stack.command("agent", "start", workspace_id, "--preset", "understudy", "--json")).json()
    session_id = str(made["sessionId"])
    text = "say Hello.\nedit notes.txt From an agent."
    path, permission_id = f"/v1/sessions/{session_id}/agentEvents", ""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(stack.command("agent", "prompt", session_id, text, "--json"))
        async for message in client.stream(path):
            if "permissionRequest" in message["event"]:
                permission_id = message["event"]["permissionRequest"]["permissionId"]
                break
        answered = await stack.command("agent", "answer", session_id, permission_id, "allow")
        assert answered.code == 0, answered.errors
    asked: Finished = asking.result()
    assert asked.code == 0, asked.errors
    told: list[Json] = asked.json()
    assert "turnEnd" in told[-1]["event"]
    again = await stack.command("agent", "answer", session_id, permission_id, "reject")
    assert (again.code, "has its answer: allow" in again.errors) == (4, True), again.errors
    written = await stack.command("exec", workspace_id, "cat", "notes.txt")
    assert written.output == "From an agent.\n"
    resumed = [message async for message in _first(client, path, after=int(told[1]["sequence"]))]
    assert resumed == told[2:3]
    nothing = await stack.command("agent", "cancel", session_id)
    assert "does nothing" in nothing.errors
    ended = await stack.command("session", "terminate", session_id)
    assert ended.code == 0, ended.errors


async def _first(client: Client, path: str, *, after: int) -> AsyncIterator[Json]:
    async for message in client.stream(path, afterSequence=after):
        yield message
        return


async def test_cli_agent_attach_in_a_window_answers_questions_by_number(
    embedded_stack: EmbeddedStack, workspace_id: str
) -> None:
    """A typed line is asked of the agent; its question is answered by the number of an option; history comes first."""
    stack = embedded_stack
    (made,) = (await stack.command("agent", "start", workspace_id, "--preset", "understudy", "--json")).json()
    arguments = ("agent", "attach", str(made["sessionId"]))
    async with opened_window(stack.command_environment(), *arguments) as window:
        await window.until_shown(b"understudy 1.0 is ready")
        window.press(b"edit seen.txt text\r")
        await window.until_shown(b"1) Allow [allow]")
        window.press(b"1\r")
        await window.until_shown(b"end turn")
        window.press(b"\x03")
        assert await window.process.wait() == 130
