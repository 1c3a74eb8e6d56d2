"""A device at an agent session: shows what happens, over as many connections as it takes, and answers questions."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import typer

from cli.agent_view import View
from cli.client import Client, Json
from cli.errors import Passing, Refused, ServerFailed, Unreachable
from cli.render import Output
from cli.terminal import Terminal

RETRY_SECONDS = 0.5
INTERRUPTED = 130


class Watch:
    """Watches one session. One that `asks` takes typed lines for prompts."""

    def __init__(self, client: Client, output: Output, path: str, *, asks: bool = False) -> None:
        self._client = client
        self._output = output
        self._path = path
        self._asks = asks
        self._view = View(output.console)
        self._question: Json | None = None

    async def run(self, after: int, until_turn: str = "") -> None:
        """Watch after a place in the log, until a turn or the session ends."""
        interactive = Terminal().interactive and not self._output.as_json
        loop = asyncio.get_running_loop()
        typed: set[asyncio.Task[None]] = set()
        if interactive:
            loop.add_reader(sys.stdin, lambda: self._read_line(typed))
        try:
            async with aclosing(self._messages(after)) as messages:
                async for message in messages:
                    self._take(message)
                    ended = message["event"].get("turnEnd", {})
                    if until_turn and ended.get("turnId") == until_turn:
                        _expect_success(ended)
                        return
        except asyncio.CancelledError:
            raise typer.Exit(INTERRUPTED) from None
        finally:
            self._view.line_end()
            if interactive:
                loop.remove_reader(sys.stdin)

    def _take(self, message: Json) -> None:
        event = message["event"]
        if self._output.as_json:
            self._output.json(message)
        else:
            self._view.show(event)
        if "permissionRequest" in event:
            self._question = event["permissionRequest"]
        elif "permissionAnswer" in event:
            self._question = None

    def _read_line(self, typed: set[asyncio.Task[None]]) -> None:
        line = sys.stdin.readline()
        if not line:
            asyncio.get_running_loop().remove_reader(sys.stdin)
        elif line.strip():
            task = asyncio.get_running_loop().create_task(self._heed(line.strip()))
            typed.add(task)
            task.add_done_callback(typed.discard)

    async def _heed(self, line: str) -> None:
        """Do what a typed line means: answer the newest question, or ask something."""
        try:
            if self._question is not None:
                await self._answer(self._question, line)
            elif self._asks:
                await self._client.post(f"{self._path}:prompt", {"text": line})
        except (Refused, Passing, Unreachable) as refused:
            self._output.fail(str(refused))

    async def _answer(self, question: Json, line: str) -> None:
        options = [str(option["optionId"]) for option in question.get("options", ())]
        chosen = options[int(line) - 1] if line.isdecimal() and 0 < int(line) <= len(options) else line
        if chosen not in options:
            self._output.say(f"Type a number from 1 to {len(options)}.")
            return
        path = f"{self._path}/permissions/{question['permissionId']}:answer"
        await self._client.post(path, {"optionId": chosen})

    async def _messages(self, after: int) -> AsyncGenerator[Json, None]:
        """Yield what happens after a place; a lost connection is made anew and goes on where it was."""
        while True:
            try:
                stream = self._client.stream(f"{self._path}/agentEvents", afterSequence=after)
                async with aclosing(stream) as messages:
                    async for message in messages:
                        after = int(message["sequence"])
                        yield message
            except (Passing, Unreachable):
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


def _expect_success(ended: Json) -> None:
    """Raise ServerFailed for a turn that the agent could not finish."""
    if ended.get("reason") in ("failed", "agent_ended"):
        raise ServerFailed(ended.get("detail") or "The agent failed.")
