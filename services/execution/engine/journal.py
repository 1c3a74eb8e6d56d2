"""What steps say, stored while they run: lines of all executions of an engine, a few times a second."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis import cancellation, logs
from chassis.database import FAILURES
from chassis.system import SystemDatabase
from services.execution.logs import store
from services.execution.logs.domain import Level, Line
from services.execution.logs.store import Said

INTERVAL = 0.1
"""Seconds between two writes, unless somebody waits."""
MESSAGE = 8192
"""Characters of one line; what is longer goes on in the next."""
STEP = 1024 * 1024
"""Characters that one attempt of a step may say."""
EXECUTION = 64 * 1024 * 1024
"""Characters that the steps of an execution may say together."""

_BATCH = 2000  # lines in one statement
_RETRY = 0.25  # seconds to wait after a failure

_log = logs.get("journal")


@dataclass(slots=True)
class Journal:
    """Stores the lines of the executions of one engine, in the order in which they were said."""

    database: SystemDatabase
    lines: list[Said] = field(default_factory=list)
    sizes: dict[UUID, int] = field(default_factory=dict)
    """Where the logs of executions end that said something lately, as far as they are stored."""
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    waited_for: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)

    def say(self, said: Said) -> None:
        """Store a line soon, without anybody waiting."""
        self.lines.append(said)
        self.awake.set()

    async def written(self) -> None:
        """Return when what was said is stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(done)
        self.awake.set()
        self.waited_for.set()
        await done

    async def run(self) -> None:
        """Store until cancelled; a failure of the database is logged, and all is tried again."""
        while True:
            cancellation.heed()
            await self.awake.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self.waited_for.wait()
            self.awake.clear()
            self.waited_for.clear()
            waiting, self.waiting = self.waiting, []
            while batch := self.lines[:_BATCH]:
                await self._store(batch)
                del self.lines[: len(batch)]
            for done in waiting:
                if not done.done():
                    done.set_result(None)

    def forget(self, execution_id: UUID) -> None:
        """Let go of what is known of an execution that runs here no more."""
        self.sizes.pop(execution_id, None)

    async def _store(self, batch: list[Said]) -> None:
        while True:
            cancellation.heed()
            try:
                async with self.database.connection() as connection:
                    self.sizes |= await store.append(connection, batch)
            except FAILURES as exc:
                _log.warning("lines are not stored, trying again", error=repr(exc))
                await asyncio.sleep(_RETRY)
            else:
                return


@dataclass(slots=True)
class StepLog:
    """What one attempt of a step says, up to a limit."""

    journal: Journal
    execution_id: UUID
    epoch: int
    path: str
    attempt: int
    size: int = 0
    is_cut: bool = False

    def say(self, level: Level, text: str) -> None:
        """Say something, line by line; what cannot be stored of it is replaced."""
        storable = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
        for line in storable.split("\n"):
            for start in range(0, max(len(line), 1), MESSAGE):
                self._say(level, line[start : start + MESSAGE])

    async def written(self) -> None:
        """Return when what was said is stored."""
        if self.size:
            await self.journal.written()

    def _say(self, level: Level, message: str) -> None:
        if self.is_cut:
            return
        self.size += len(message) + 1
        if self.size > STEP:
            self.is_cut = True
            level, message = Level.WARNING, f"[the log is cut: one step may say {STEP} characters]"
        elif self.journal.sizes.get(self.execution_id, 0) > EXECUTION:
            self.is_cut = True
            level, message = Level.WARNING, f"[the log is cut: an execution may say {EXECUTION} characters]"
        line = Line(self.path, self.attempt, level, message, datetime.now(UTC))
        self.journal.say(Said(self.execution_id, self.epoch, line))
