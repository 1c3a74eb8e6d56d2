"""What a prompt's lines make it do: each begins with a word of `STEPS`; a prompt without any gets the whole show."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import acp
from acp import schema
from acp.interfaces import Client

SHOW = """think What could be written down about this room?
plan
read README.md
edit NOTES.md Seen by the understudy.
run git status --short
say That is all."""

_OPTIONS = [
    schema.PermissionOption(option_id="allow", name="Allow", kind="allow_once"),
    schema.PermissionOption(option_id="reject", name="Reject", kind="reject_once"),
]


class Script:
    """One turn. `said` counts the words it said; `numbers` gives its tool calls names."""

    def __init__(self, client: Client, session_id: str, directory: str, numbers: Iterator[int], *, asks: bool) -> None:
        self.said = 0
        self._client = client
        self._session_id = session_id
        self._directory = PurePosixPath(directory)
        self._asks = asks
        self._numbers = numbers
        self._steps: dict[str, Callable[[str], Awaitable[None]]] = {
            "say": self._say,
            "count": self._count,
            "think": self._think,
            "plan": self._plan,
            "read": self._read,
            "edit": self._edit,
            "run": self._run,
            "wait": self._wait,
            "die": self._die,
        }

    async def play(self, text: str) -> None:
        """Do what the lines say."""
        lines = [line.partition(" ") for line in text.splitlines()]
        if not any(word in self._steps for word, _, _ in lines):
            await self._say(f"You said: {text}\n")
            lines = [line.partition(" ") for line in SHOW.splitlines()]
        for word, _, rest in lines:
            if word in self._steps:
                await self._steps[word](rest)

    async def _update(self, update: Any) -> None:
        await self._client.session_update(session_id=self._session_id, update=update)

    async def _say(self, text: str) -> None:
        self.said += len(text.split())
        await self._update(acp.update_agent_message_text(text))

    async def _count(self, end: str) -> None:
        for number in range(1, int(end) + 1):
            await self._say(f"{number} ")

    async def _think(self, text: str) -> None:
        await self._update(acp.update_agent_thought_text(text))

    async def _plan(self, _: str) -> None:
        steps = ("Read what is there", "Propose a note", "Look at the result")
        await self._update(acp.update_plan([acp.plan_entry(step) for step in steps]))

    async def _read(self, path: str) -> None:
        call = self._call()
        await self._update(acp.start_read_tool_call(call, f"Read {path}", str(self._directory / path)))
        try:
            found = await self._client.read_text_file(session_id=self._session_id, path=str(self._directory / path))
        except acp.RequestError as error:
            await self._update(acp.update_tool_call(call, status="failed"))
            await self._say(f"{path}: {error}\n")
            return
        await self._update(acp.update_tool_call(call, status="completed"))
        await self._say(f"{path} has {len(found.content)} characters.\n")

    async def _edit(self, rest: str) -> None:
        path, _, text = rest.partition(" ")
        call, target = self._call(), str(self._directory / path)
        try:
            old = (await self._client.read_text_file(session_id=self._session_id, path=target)).content
        except acp.RequestError:
            old = None
        new = f"{old or ''}{text}\n"
        diff = acp.tool_diff_content(target, new, old)
        await self._update(acp.start_tool_call(call, f"Edit {path}", kind="edit", status="pending", content=[diff]))
        if not await self._allowed(call, f"Edit {path}", "edit", [diff]):
            return
        try:
            await self._client.write_text_file(session_id=self._session_id, path=target, content=new)
        except acp.RequestError as error:
            await self._update(acp.update_tool_call(call, status="failed"))
            await self._say(f"{path}: {error}\n")
            return
        await self._update(acp.update_tool_call(call, status="completed"))

    async def _run(self, command: str) -> None:
        call = self._call()
        await self._update(acp.start_tool_call(call, f"Run {command}", kind="execute", status="pending"))
        if not await self._allowed(call, f"Run {command}", "execute", None):
            return
        made = await self._client.create_terminal(
            session_id=self._session_id, command="sh", args=["-c", command], cwd=str(self._directory)
        )
        names = {"session_id": self._session_id, "terminal_id": made.terminal_id}
        shown = [acp.tool_terminal_ref(made.terminal_id)]
        await self._update(acp.update_tool_call(call, status="in_progress", content=shown))
        ended = await self._client.wait_for_terminal_exit(**names)
        printed = await self._client.terminal_output(**names)
        await self._client.release_terminal(**names)
        await self._update(acp.update_tool_call(call, status="completed"))
        await self._say(f"`{command}` ended with {ended.exit_code} after {len(printed.output)} characters.\n")

    async def _wait(self, _: str) -> None:
        await asyncio.Event().wait()

    async def _die(self, _: str) -> None:
        os._exit(3)

    async def _allowed(self, call: str, title: str, kind: Any, content: Any) -> bool:
        """Ask, unless it is trusted; whoever cancels ends the turn."""
        if not self._asks:
            return True
        wanted = schema.ToolCallUpdate(tool_call_id=call, title=title, kind=kind, content=content)
        answer = await self._client.request_permission(session_id=self._session_id, tool_call=wanted, options=_OPTIONS)
        if isinstance(answer.outcome, schema.DeniedOutcome):
            raise asyncio.CancelledError
        if answer.outcome.option_id == "allow":
            return True
        await self._update(acp.update_tool_call(call, status="failed"))
        await self._say(f"{title}: not allowed.\n")
        return False

    def _call(self) -> str:
        return f"call-{next(self._numbers)}"
