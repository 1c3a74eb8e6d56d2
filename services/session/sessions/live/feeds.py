"""The feeds of this process: one for each session it copies or shows."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from chassis import cancellation, logs
from chassis.actor import Actor
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.live.background import Background
from services.session.sessions.live.feed import CopierBell, Feed
from services.session.sessions.live.follower import FAILURES, Follower, Parts
from services.session.sessions.live.liveness import Liveness
from services.session.sessions.live.source import Source
from services.session.sessions.log import Head
from services.session.sessions.store import leases, log_store

SWEEP = 2.0
"""Seconds between looks for sessions that nobody copies, of the 10 within which a lost one must show."""

_RETRY = 1.0  # seconds after which a feed that failed is begun again

_log = logs.get("feeds")


@dataclass(frozen=True, slots=True)
class Feeds:
    """Feeds by session."""

    parts: Parts
    liveness: Liveness
    background: Background
    bell: CopierBell = field(default_factory=CopierBell)
    by_session: dict[UUID, Feed] = field(default_factory=dict)

    def begin(self, session: Session) -> None:
        """Copy a session that this process has just started, unless it does: one whose creator died was taken over."""
        feed = self.by_session.get(session.session_id)
        if feed is None or not feed.copies:
            self._copy(session, Head(session.session_id, 0, 0, 1, self.liveness.number))

    def of(self, session: Session) -> Feed:
        """Return the feed of a running session; one that another process copies is followed."""
        feed = self.by_session.get(session.session_id)
        return feed or self._add(session, Head(session.session_id, 0, 0, 0, 0))

    async def take_over(self, session_id: UUID, account_id: UUID) -> None:
        """Copy a running session, unless somebody does."""
        async with self.parts.system.connection() as connection:
            head = await log_store.claim(connection, session_id, self.liveness.number)
        if head is not None:
            actor = Actor.of_service("session", account_id)
            session = await self.parts.database.read(actor, queries.get_session, session_id=session_id)
            _log.info("copying a session that nobody copied", session_id=str(session_id), head=head.head_offset)
            self._copy(session, head)

    async def run(self) -> None:
        """Take over sessions whose process is gone, until cancelled. After a start those are all that lived."""
        while True:
            cancellation.heed()
            await self.liveness.shown.wait()
            try:
                await self._sweep()
            except FAILURES as exc:
                _log.warning("looking for sessions that nobody copies failed, trying again", error=repr(exc))
            await asyncio.sleep(SWEEP)

    async def _sweep(self) -> None:
        async with self.parts.system.connection() as connection:
            await log_store.ensure_partitions(connection)
            await leases.forget_dead(connection)
            orphans = await log_store.orphans(connection)
        for session_id, account_id in orphans:
            await self.take_over(session_id, account_id)

    def _copy(self, session: Session, head: Head) -> None:
        (self.by_session.get(session.session_id) or self._add(session, head)).copy_as(head)

    def _add(self, session: Session, head: Head) -> Feed:
        source = Source(self.parts.runners, session)
        feed = self.by_session[session.session_id] = Feed(session, head, source, self.bell)
        self.background.spawn(self._run(feed))
        return feed

    async def _run(self, feed: Feed) -> None:
        while not feed.over:
            cancellation.heed()
            try:
                await Follower(self.parts, feed).run()
            except Exception as exc:  # noqa: BLE001  # the fault of one session must not end the others
                _log.error("a feed failed, beginning again", session_id=str(feed.session.session_id), exc_info=exc)
                await asyncio.sleep(_RETRY)
        del self.by_session[feed.session.session_id]
