"""The copier: writes what feeds hold to PostgreSQL, the chunks of many sessions in one transaction every 25 ms."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import asyncpg

from chassis import cancellation, database, faults, logs, trace
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

_RETRY = 0.5  # seconds to wait after a failure; doubles for one session, of which something cannot be stored
_LONGEST = 30.0  # seconds to wait in the end
_UNFIT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What PostgreSQL says of values: of the driver's failures those that come again."""

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
    failures: dict[Feed, int] = field(default_factory=dict)
    """How often storing what a feed has failed in a row."""
    held: set[Feed] = field(default_factory=set)
    """Feeds that wait after a failure."""

    async def run(self) -> None:
        """Copy until cancelled; failures are logged and tried again, those of one session without the others."""
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
        """Write one chunk of each session that has something new. Raises what keeps all of them from being stored."""
        chunks = self._chunks()
        plain = [feed for feed, chunk in chunks.items() if self._is_plain(feed, chunk)]
        try:
            await self._append({feed: chunks[feed] for feed in plain})
        except Exception as exc:
            if not _is_unfit(exc):
                raise
            for feed in plain:
                await self._alone(feed, self._append({feed: chunks[feed]}))
        for feed in chunks.keys() - set(plain) - self.held:
            store = self._note if chunks[feed].shell_exit is None else self._close
            await self._alone(feed, store(feed, chunks[feed]))

    def _is_plain(self, feed: Feed, chunk: Copy) -> bool:
        """Return whether a chunk goes with those of others. One that nobody can read is held back."""
        try:
            return chunk.shell_exit is None and not self.parts.notes.concern(chunk)
        except Exception as exc:  # noqa: BLE001  # one session's trouble must not end the work on all others
            self._hold(feed, exc)
            return False

    async def _append(self, chunks: Mapping[Feed, Copy]) -> None:
        """Write chunks that mean nothing beside their logs."""
        if not chunks:
            return
        async with self.parts.system.transaction() as connection:
            won = await log_store.append(connection, list(chunks.values()))
            _BEFORE_COMMIT.reach()
        _AFTER_COMMIT.reach()
        for feed, chunk in chunks.items():
            self.failures.pop(feed, None)
            if chunk.session_id in won:
                feed.stored(chunk.last.sequence)
            else:
                await self.parts.look_up(feed)

    async def _alone(self, feed: Feed, storing: Awaitable[None]) -> None:
        """Store what one session has; a failure is logged, and tried again later and later."""
        try:
            await storing
        except Exception as exc:  # noqa: BLE001  # as above
            self._hold(feed, exc)
        else:
            self.failures.pop(feed, None)

    def _hold(self, feed: Feed, exc: Exception) -> None:
        failures = self.failures[feed] = self.failures.get(feed, 0) + 1
        seconds = min(_RETRY * 2 ** (failures - 1), _LONGEST) if _is_unfit(exc) else _RETRY
        _log.warning(
            "the log of a session cannot be stored, trying again",
            session_id=str(feed.session.session_id),
            seconds=seconds,
            error=repr(exc),
            exc_info=None if isinstance(exc, FAILURES) else exc,
        )
        self.held.add(feed)
        asyncio.get_running_loop().call_later(seconds, self._let_go, feed)

    def _let_go(self, feed: Feed) -> None:
        self.held.discard(feed)
        self.bell.ring(feed)

    def _chunks(self) -> dict[Feed, Copy]:
        chunks: dict[Feed, Copy] = {}
        budget = TOTAL_BYTES
        for feed in [feed for feed in self.bell.waiting if feed not in self.held]:
            if budget <= 0:
                self.bell.awake.set()
                break
            chunk = feed.pending(SESSION_BYTES)
            if chunk is None:
                del self.bell.waiting[feed]
                self.failures.pop(feed, None)
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


def _is_unfit(exc: Exception) -> bool:
    """Return whether a failure is that of what was to be stored, and not that of the database or the network."""
    return isinstance(exc, _UNFIT) or not isinstance(exc, database.FAILURES)
