"""The copier: writes what feeds hold to PostgreSQL, the chunks of many sessions in one transaction every 25 ms."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from chassis import cancellation, faults, logs, trace
from chassis.errors import DomainError
from services.session.sessions import operations
from services.session.sessions.domain import Session
from services.session.sessions.live.feed import CopierBell, Feed
from services.session.sessions.live.follower import FAILURES, Parts, actor_of
from services.session.sessions.log import Copy
from services.session.sessions.store import log_store

INTERVAL = 0.025
"""Seconds between transactions: half of the 50 ms within which PostgreSQL follows."""
SESSION_BYTES = 1024 * 1024
"""Bytes of one session in one transaction, so that a loud one does not hold up the others."""
TOTAL_BYTES = 8 * 1024 * 1024
"""Bytes in one transaction; the rest goes into the next."""

_RETRY = 0.5  # seconds to wait after a failure

_BEFORE_COMMIT = faults.Point("copier.before_commit", "Output is inserted and the head moved; nothing is committed.")
_AFTER_COMMIT = faults.Point("copier.after_commit", "Output is stored, and the runner still keeps it.")
_AFTER_END = faults.Point("copier.after_end", "A session's end is stored, and neither device nor runner knows.")

_log = logs.get("copier")


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies for all feeds of this process."""

    parts: Parts
    bell: CopierBell
    begin: Callable[[Session], None]
    """Begins to copy a session that began in the log of another."""

    async def run(self) -> None:
        """Copy until cancelled; failures are logged and tried again."""
        while True:
            cancellation.heed()
            await self.bell.awake.wait()
            self.bell.awake.clear()
            await asyncio.sleep(INTERVAL)
            try:
                await self.copy()
            except FAILURES as exc:
                _log.warning("copying failed, trying again", error=repr(exc))
                self.bell.awake.set()
                await asyncio.sleep(_RETRY)

    async def copy(self) -> None:
        """Write one chunk of each session that has something new."""
        chunks = self._chunks()
        plain = (
            feed for feed, chunk in chunks.items() if chunk.shell_exit is None and not self.parts.notes.concern(chunk)
        )
        going_on = {feed: chunks[feed] for feed in plain}
        if going_on:
            async with self.parts.system.transaction() as connection:
                won = await log_store.append(connection, list(going_on.values()))
                _BEFORE_COMMIT.reach()
            _AFTER_COMMIT.reach()
            for feed, chunk in going_on.items():
                if chunk.session_id in won:
                    feed.stored(chunk.last.sequence)
                else:
                    await self.parts.look_up(feed)
        for feed in chunks.keys() - going_on.keys():
            store = self._note if chunks[feed].shell_exit is None else self._close
            await store(feed, chunks[feed])

    def _chunks(self) -> dict[Feed, Copy]:
        chunks: dict[Feed, Copy] = {}
        budget = TOTAL_BYTES
        for feed in list(self.bell.waiting):
            if budget <= 0:
                self.bell.awake.set()
                break
            chunk = feed.pending(SESSION_BYTES)
            if chunk is None:
                del self.bell.waiting[feed]
                continue
            chunks[feed] = chunk
            budget -= chunk.last.end_offset - chunk.records[0].offset
            self.bell.awake.set()
        return chunks

    async def _note(self, feed: Feed, chunk: Copy) -> None:
        trace.continue_from(None)
        begun = await self.parts.database.write(
            actor_of(feed), operations.store_noted, copy=chunk, note=self.parts.notes.apply
        )
        if begun is None:
            await self.parts.look_up(feed)
            return
        feed.stored(chunk.last.sequence)
        for session in begun:
            self.begin(session)

    async def _close(self, feed: Feed, chunk: Copy) -> None:
        trace.continue_from(None)
        try:
            ended = await self.parts.database.write(
                actor_of(feed), operations.close_log, copy=chunk, note=self.parts.notes.apply
            )
        except DomainError:
            await self.parts.look_up(feed)
            raise
        _AFTER_END.reach()
        if ended is None:
            await self.parts.look_up(feed)
            return
        feed.ring.store(chunk.last.sequence)  # and nobody tells the runner: having the terminal dropped is for Release
        feed.finish(ended)
