"""Terminals that an agent opens: commands in terminals of their own, each with its own log and session."""

import asyncio
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis import ids
from runner.agents.telling import fields, items, number, text_of
from runner.errors import OutputTrimmed, TerminalEnded, TerminalNotFound
from runner.record import Exit, RecordType, exit_of
from runner.spool import Spool
from runner.terminal import Size, Terminal
from runner.terminals import Order, Terminals

MAXIMUM_OUTPUT = 1024 * 1024
"""Bytes of output that an agent can look at; its session has all of it."""
MAXIMUM_OPEN = 16
"""Terminals that an agent may have open at once."""

MAXIMUM_COMMAND = 32 * 1024
"""Characters of a command's arguments, which its session shows."""
MAXIMUM_VARIABLES = 64

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_SIZE = Size(80, 24)


class TerminalRefused(Exception):
    """The terminal cannot be opened or used; the text says why, for the agent."""


@dataclass(slots=True)
class OpenTerminal:
    """A terminal as its agent sees it: the newest part of what was printed, and how it ended."""

    session_id: str
    limit: int
    output: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    ended: Exit | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, spool: Spool) -> None:
        """Take what is printed, to its end."""
        after = spool.first_sequence - 1
        while await spool.wait(after):
            try:
                records = await spool.read(after)
            except OutputTrimmed:
                self.truncated = True
                if spool.first_sequence - 1 <= after:
                    break  # the whole terminal is gone
                after = spool.first_sequence - 1
                continue
            for record in records:
                if record.type is RecordType.OUTPUT:
                    self._take(record.body)
                elif record.type is RecordType.EXIT:
                    self.ended = exit_of(record)
            after = records[-1].sequence
        self.ended = self.ended or Exit()
        self.over.set()

    def status(self) -> dict[str, Any] | None:
        """Return how it ended, as the protocol says it; None while it runs."""
        if self.ended is None:
            return None
        name = signal.Signals(self.ended.signal).name if self.ended.signal else None
        return {"exitCode": self.ended.code, "signal": name}

    def _take(self, data: bytes) -> None:
        self.output += data
        if len(self.output) > self.limit:
            del self.output[: len(self.output) - self.limit]
            self.truncated = True


class AgentTerminals:
    """The terminals of one agent, by the ids of their sessions. What the agent was given they get too.

    `own` is the agent's terminal, whose secrets are theirs, and `environment` its variables.
    """

    def __init__(self, own: Terminal, terminals: Terminals, files: Path, environment: Mapping[str, str]) -> None:
        self._own = own
        self._terminals = terminals
        self._files = files
        self._environment = environment
        self._group = terminals.group
        self._open: dict[str, OpenTerminal] = {}
        self._closed = False

    def order(self, told: Mapping[str, Any]) -> Order:
        """Return what an agent asks for, under a fresh id. TerminalRefused."""
        if len(self._open) >= MAXIMUM_OPEN:
            raise TerminalRefused(f"{MAXIMUM_OPEN} terminals are open; release one first")  # noqa: EM102  # see the class
        arguments = told.get("args")
        words: Sequence[str] = [text_of(word, 8192) for word in arguments] if isinstance(arguments, list) else []
        command = text_of(told.get("command"), 8192)
        if not command:
            raise TerminalRefused("no command is given")
        if not words and " " in command:  # some agents give a line for a shell
            command, words = "sh", ["-c", command]
        if sum(map(len, words)) > MAXIMUM_COMMAND or any("\0" in word for word in (command, *words)):
            raise TerminalRefused("the command is too long, or no text")
        given = items(told.get("env"))[:MAXIMUM_VARIABLES]
        variables = {text_of(one.get("name"), 128): text_of(one.get("value"), 4096).replace("\0", "") for one in given}
        return Order(
            str(ids.new()),
            _SIZE,
            command=(command, *words[:127]),
            piped=True,
            working_directory=self._directory(told.get("cwd")),
            environment={**self._environment, **{key: value for key, value in variables.items() if _NAME.match(key)}},
            secrets=self._own.secrets,
        )

    async def open(self, order: Order, limit: object) -> str:
        """Open a terminal and return its session's id. Raises what the runner raises of an order."""
        terminal = await self._terminals.open(order)
        if self._closed:  # the agent ended meanwhile
            await self._end(order.session_id)
            raise TerminalRefused("the agent has ended")
        asked = number(limit) or MAXIMUM_OUTPUT
        opened = OpenTerminal(order.session_id, max(1, min(asked, MAXIMUM_OUTPUT)))
        self._open[order.session_id] = opened
        self._group.create_task(opened.follow(terminal.spool))
        return order.session_id

    def resume(self, limits: Mapping[str, int]) -> None:
        """Go on with those that were open before an upgrade."""
        for session_id, limit in limits.items():
            opened = self._open[session_id] = OpenTerminal(session_id, limit)
            try:
                self._group.create_task(opened.follow(self._terminals.get(session_id).spool))
            except TerminalNotFound:  # it ended, and its log is stored
                opened.ended = Exit()
                opened.over.set()

    def limits(self) -> dict[str, int]:
        """Return the open ones, with how much of their output is kept."""
        return {session_id: opened.limit for session_id, opened in self._open.items()}

    def get(self, told: Mapping[str, Any]) -> OpenTerminal:
        """Return the terminal that an agent names. TerminalRefused."""
        found = self._open.get(str(fields(told).get("terminalId")))
        if found is None:
            raise TerminalRefused("there is no such terminal")
        return found

    async def kill(self, opened: OpenTerminal) -> None:
        """End a terminal's processes."""
        await self._end(opened.session_id)

    async def release(self, opened: OpenTerminal) -> None:
        """Forget a terminal, and end what runs in it."""
        await self.kill(opened)
        self._open.pop(opened.session_id, None)

    async def close(self) -> None:
        """Release all, and open no more."""
        self._closed = True
        for opened in list(self._open.values()):
            await self.release(opened)

    async def _end(self, session_id: str) -> None:
        with suppress(TerminalNotFound, TerminalEnded):
            await self._terminals.signal(session_id, signal.SIGKILL, 0)

    def _directory(self, path: object) -> str:
        wanted = text_of(path, 4096)
        return wanted.removeprefix(str(self._files)).lstrip("/") if wanted.startswith(str(self._files)) else wanted
