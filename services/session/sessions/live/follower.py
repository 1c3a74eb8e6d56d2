"""Follows one session from its runner into its feed, and finds out when the runner died with all it ran."""

import asyncio
import time
from dataclasses import dataclass

from chassis import cancellation, database, logs, trace
from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.session.sessions import operations, queries
from services.session.sessions.live.feed import Feed
from services.session.sessions.live.notes import Notes
from services.session.sessions.live.runners import NO_RUNNER, Runners
from services.session.sessions.store import log_store

PATIENCE = 5.0
"""Seconds a dead runner's successor may take to offer what it left; within 10 the session must show as LOST."""
FAILURES = (DomainError, *database.FAILURES)
"""What keeps work on a session waiting: other services, or the database."""

_RETRY = 0.25  # seconds between attempts to reach the runner
_TURN = 0.2  # seconds between acknowledgements, which free whole segments only, or between looks at others' copying

_log = logs.get("follower")


@dataclass(frozen=True, slots=True)
class Parts:
    """What following and copying work with."""

    database: Database
    system: SystemDatabase
    runners: Runners
    notes: Notes

    async def look_up(self, feed: Feed) -> None:
        """Tell a feed how far its log is stored, by whom, and whether its session has ended."""
        session_id = feed.session.session_id
        async with self.system.connection() as connection:
            head = await log_store.get_head(connection, session_id)
        if head is not None:
            session = await self.database.read(actor_of(feed), queries.get_session, session_id=session_id)
            feed.learn(head, session)


def actor_of(feed: Feed) -> Actor:
    """Return who changes a session on its own."""
    return Actor.of_service("session", feed.session.account_id)


class Follower:
    """Follows one session until its feed is over."""

    def __init__(self, parts: Parts, feed: Feed) -> None:
        self._parts = parts
        self._feed = feed
        self._left_since: float | None = None

    async def run(self) -> None:
        """Follow the session to its end."""
        trace.continue_from(None)
        async with beside(self._read_on(), self._keep_up()):
            await asyncio.shield(self._feed.ended)

    async def _read_on(self) -> None:
        while True:
            cancellation.heed()
            try:
                await self._read()
            except FAILURES as exc:
                await self._consider(exc)
            self._feed.source.doubt()
            await asyncio.sleep(_RETRY)

    async def _read(self) -> None:
        feed = self._feed
        left_over = await feed.source.is_left_over()
        if left_over:
            self._note_left()
        async for records in feed.source.records(feed.ring.last):
            feed.add(records)
            await asyncio.sleep(0)  # devices come first, before we ask for more
            await feed.ring.room()
        if feed.ring.closed:
            await asyncio.shield(feed.ended)
        elif left_over:
            await self._lose(log_complete=True)

    def _note_left(self) -> None:
        if self._left_since is None:
            self._left_since = time.monotonic()

    async def _consider(self, exc: BaseException) -> None:
        """Decide what a failure says about the runner: that it is away for a moment, or dead with all it ran."""
        reason = getattr(exc, "reason", "")
        _log.info("the runner's stream ended", session_id=str(self._feed.session.session_id), error=repr(exc))
        try:
            if reason == "OUTPUT_TRIMMED":
                await self._parts.look_up(self._feed)
            elif reason == "TERMINAL_NOT_FOUND":
                await self._lose(log_complete=False)
            elif reason in NO_RUNNER and self._left_since is None:
                self._note_left()
            elif self._left_since is not None and time.monotonic() > self._left_since + PATIENCE:
                await self._lose(log_complete=False)
        except FAILURES as failure:
            _log.warning("trying again", session_id=str(self._feed.session.session_id), error=repr(failure))

    async def _lose(self, *, log_complete: bool) -> None:
        feed = self._feed
        if not feed.copies or feed.over:
            return
        await feed.until(lambda: feed.ring.stored >= feed.ring.last)
        session = await self._parts.database.write(
            actor_of(feed),
            operations.lose_session,
            session_id=feed.session.session_id,
            cause="The runner of the workspace died, and the shell with it.",
            log_complete=log_complete,
            end=self._parts.notes.end,
        )
        feed.finish(session)

    async def _keep_up(self) -> None:
        """While this process copies, tell the runner what it may drop; while another does, see how far it is."""
        feed = self._feed
        while True:
            cancellation.heed()
            try:
                if feed.copies:
                    await feed.turned.wait()
                    feed.turned.clear()
                    await feed.source.acknowledge(feed.ring.stored)
                else:
                    await self._parts.look_up(feed)
            except DomainError as exc:
                _log.info("not acknowledged", session_id=str(feed.session.session_id), error=repr(exc))
            except database.FAILURES as exc:
                _log.warning("the log's head cannot be read", session_id=str(feed.session.session_id), error=repr(exc))
            await asyncio.sleep(_TURN)
