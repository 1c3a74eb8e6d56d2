"""One live session as this process sees it: a stream of records from the runner into memory, from there to devices.

Any process may have a feed for a session; the one whose `epoch` is that of the log's head also copies it to PostgreSQL.
"""

import asyncio
import time
from dataclasses import dataclass

from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import cancellation, database, logs
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.session.sessions import convert, operations, queries
from services.session.sessions.domain import Session
from services.session.sessions.live.ring import Ring
from services.session.sessions.live.runners import NO_RUNNER, Runner, Runners
from services.session.sessions.log import Copy, Head
from services.session.sessions.store import log_store

PATIENCE = 5.0
"""Seconds a dead runner's successor may take to offer what it left; within 10 the session must show as LOST."""

_RETRY = 0.25  # seconds between attempts to reach the runner, and between looks at a log that another process copies
_ACKNOWLEDGE = 0.2  # seconds between acknowledgements: the runner frees whole segments, so more would gain nothing
_REACH = 5.0  # seconds a device waits for output that the runner has and this process has not
FAILURES = (DomainError, *database.FAILURES)

_log = logs.get("feed")


@dataclass(frozen=True, slots=True)
class Parts:
    """What feeds work with."""

    database: Database
    system: SystemDatabase
    runners: Runners


class Feed:
    """The newest output of one session. `ended` is the session once it has ended and its end is stored."""

    def __init__(self, parts: Parts, session: Session, head: Head, copier: "CopierBell") -> None:
        self.session = session
        self.ring = Ring(head.head_sequence, head.head_offset)
        self.epoch = 0
        self.ended: Session | None = None
        self.finished = asyncio.Event()
        self._parts = parts
        self._copier = copier
        self._watchers: set[asyncio.Event] = set()
        self._to_acknowledge = asyncio.Event()
        self._following = asyncio.Event()
        self._following.set()
        self._gone_since: float | None = None

    @property
    def actor(self) -> Actor:
        """Who changes the session on its own."""
        return Actor(account_id=self.session.account_id, subject="service:session")

    def copy_as(self, head: Head) -> None:
        """Become the copier of the log."""
        self.ring.restart(head.head_sequence, head.head_offset)
        self.epoch = head.copier_epoch
        self._following.clear()
        self._copier.ring(self)

    def watch(self, event: asyncio.Event) -> None:
        """Set an event whenever there is more."""
        self._watchers.add(event)

    def unwatch(self, event: asyncio.Event) -> None:
        """Set it no more."""
        self._watchers.discard(event)

    def notify(self) -> None:
        """Wake all who wait for more."""
        for event in self._watchers:
            event.set()

    async def run(self) -> None:
        """Follow the session to its end."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop()) for loop in (self._read_on, self._follow, self._acknowledge_on)]
            await self.finished.wait()
            for task in tasks:
                task.cancel()

    async def reach_end(self) -> int:
        """Return the end of the output at this instant, once everything up to it is here or stored."""
        event = asyncio.Event()
        self.watch(event)
        try:
            async with asyncio.timeout(_REACH):
                target = await self._end_sequence()
                while self.ring.last < target and self.ended is None:
                    await event.wait()
                    event.clear()
        except (DomainError, TimeoutError):
            _log.warning("the end of the output is not known", session_id=str(self.session.session_id))
        finally:
            self.unwatch(event)
        return self.ring.end_offset

    def pending(self, budget: int) -> Copy | None:
        """Return what is to be copied next, of about `budget` bytes; None when there is nothing or others copy."""
        records = self.ring.unstored(budget) if self.epoch and self.ended is None else []
        if not records:
            return None
        return Copy(self.session.session_id, self.session.account_id, self.epoch, self.ring.stored, tuple(records))

    def stored(self, sequence: int) -> None:
        """Note that PostgreSQL has all records up to a sequence."""
        self.ring.store(sequence)
        self._to_acknowledge.set()
        self.notify()

    def finish(self, session: Session) -> None:
        """Note that the session has ended, and that this is stored."""
        self.ended = session
        self.finished.set()
        self.notify()

    async def look_up(self) -> None:
        """Read how far the log is stored, and by whom."""
        async with self._parts.system.connection() as connection:
            head = await log_store.get_head(connection, self.session.session_id)
        if head is None:
            return
        if head.copier_epoch != self.epoch:
            self.epoch = 0
            self._following.set()
        self.ring.restart(head.head_sequence, head.head_offset)
        self.notify()
        session_id = self.session.session_id
        self.session = await self._parts.database.read(self.actor, queries.get_session, session_id=session_id)
        if self.session.state.final:
            self.finish(self.session)

    async def _acknowledge(self) -> None:
        """Tell the runner what it may drop."""
        runner = await self._runner()
        request = pb.AcknowledgeRecordsRequest(session_id=str(self.session.session_id), sequence=self.ring.stored)
        await runner.call(runner.stub.AcknowledgeRecords, request)

    async def _runner(self) -> Runner:
        return await self._parts.runners.find(self.session.account_id, self.session.workspace_id)

    async def _end_sequence(self) -> int:
        terminal = await (await self._runner()).terminal(self.session.session_id)
        return 0 if terminal is None else terminal.end_sequence

    async def _read_on(self) -> None:
        while True:
            cancellation.heed()
            try:
                await self._read()
            except FAILURES as exc:
                await self._consider(exc)
            self._parts.runners.forget(self.session.workspace_id)
            await asyncio.sleep(_RETRY)

    async def _read(self) -> None:
        runner = await self._runner()
        gone = runner.runner_id != self.session.runner_id
        if gone and self._gone_since is None:
            self._gone_since = time.monotonic()
        async for response in runner.records(self.session.session_id, self.ring.last):
            self.ring.extend(map(convert.record_from_runner, response.records))
            self.notify()
            self._copier.ring(self)
            await self.ring.room()
        if self.ring.closed:
            await self.finished.wait()
        elif gone:
            await self._lose(log_complete=True)

    async def _consider(self, exc: BaseException) -> None:
        """Decide what a failure says about the runner: that it is away for a moment, or dead with all it ran."""
        reason = getattr(exc, "reason", "")
        _log.info("the runner's stream ended", session_id=str(self.session.session_id), error=repr(exc))
        try:
            if reason == "OUTPUT_TRIMMED":
                await self.look_up()
            elif reason == "TERMINAL_NOT_FOUND":
                await self._lose(log_complete=False)
            elif reason in NO_RUNNER and self._gone_since is None:
                self._gone_since = time.monotonic()
            elif self._gone_since is not None and time.monotonic() > self._gone_since + PATIENCE:
                await self._lose(log_complete=False)
        except FAILURES as failure:
            _log.warning("trying again", session_id=str(self.session.session_id), error=repr(failure))

    async def _lose(self, *, log_complete: bool) -> None:
        if not self.epoch or self.ended is not None:
            return
        event = asyncio.Event()
        self.watch(event)
        while self.ring.stored < self.ring.last:
            await event.wait()
            event.clear()
        self.unwatch(event)
        session = await self._parts.database.write(
            self.actor,
            operations.lose_session,
            session_id=self.session.session_id,
            cause="The runner of the workspace died, and the shell with it.",
            log_complete=log_complete,
        )
        self.finish(session)

    async def _follow(self) -> None:
        """While another process copies: see how far it is, so that memory is freed, and whether the session ended."""
        while True:
            cancellation.heed()
            await self._following.wait()
            try:
                await self.look_up()
            except FAILURES as exc:
                _log.warning("the log's head cannot be read", session_id=str(self.session.session_id), error=repr(exc))
            await asyncio.sleep(_RETRY)

    async def _acknowledge_on(self) -> None:
        while True:
            cancellation.heed()
            await self._to_acknowledge.wait()
            self._to_acknowledge.clear()
            try:
                await self._acknowledge()
            except DomainError as exc:
                _log.info("not acknowledged", session_id=str(self.session.session_id), error=repr(exc))
            await asyncio.sleep(_ACKNOWLEDGE)


class CopierBell:
    """Remembers the feeds that have something to copy, and wakes the copier."""

    def __init__(self) -> None:
        self.waiting: dict[Feed, None] = {}
        self.awake = asyncio.Event()

    def ring(self, feed: Feed) -> None:
        """Say that a feed has something to copy."""
        self.waiting[feed] = None
        self.awake.set()
