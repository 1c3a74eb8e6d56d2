"""Reading a log by offset: PostgreSQL below what memory holds, memory above. One loop, so nothing falls in between."""

import asyncio
from collections import deque
from dataclasses import dataclass

from chassis.actor import Actor
from chassis.database import Database
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.errors import OffsetOutOfRange
from services.session.sessions.live.feed import Feed
from services.session.sessions.log import Record, RecordType
from services.session.sessions.queries import Place
from services.session.sessions.spec import Kind

BATCH = 64 * 1024
"""Bytes in one message to a device: large enough for a replay, small beside its credit."""
NO_EVENTS = 1 << 62
"""The place in a log after which an agent's events are of no interest."""


@dataclass(frozen=True, slots=True)
class Output:
    """A run of output bytes."""

    offset: int
    data: bytes


class LogReader:
    """Reads one session's log. `offset` is that of the next byte; `end` the end of the output when `seek` returned."""

    def __init__(
        self, database: Database, actor: Actor, session: Session, feed: Feed | None, events_after: int = 0
    ) -> None:
        """Read a session's log; of an agent's events only those after a place in it."""
        self.offset = 0
        self.end = 0
        self.at_end = False
        self._database = database
        self._actor = actor
        self._session_id = session.session_id
        self._of_agent = session.kind is Kind.AGENT
        self._events_after = events_after
        self._feed = feed
        self._sequence = 0
        self._pending: deque[Record] = deque()

    async def seek(self, offset: int) -> None:
        """Go to an offset. OffsetOutOfRange when it lies beyond the end of the output."""
        reached, place = await asyncio.gather(self._reach_end(), self._find(offset))
        self._go(place, reached)
        if offset > self.end:
            raise OffsetOutOfRange(offset, self.end)

    async def seek_screen(self) -> bytes:
        """Go to where the newest stored screen was taken, and return it; empty at the beginning, when there is none."""
        read, session_id = queries.find_screen, self._session_id
        found = self._database.read(self._actor, read, session_id=session_id)
        reached, (place, screen) = await asyncio.gather(self._reach_end(), found)
        self._go(place, reached)
        return screen

    def _go(self, place: Place, reached: int) -> None:
        self.end = max(place.end, reached)
        self.offset = place.offset
        self._sequence = min(place.sequence, self._events_after) if self._of_agent else place.sequence

    async def _reach_end(self) -> int:
        return await self._feed.reach_end() if self._feed is not None else 0

    async def _find(self, offset: int) -> Place:
        return await self._database.read(self._actor, queries.find_offset, session_id=self._session_id, offset=offset)

    async def next(self, budget: int) -> Output | Record | None:
        """Return what comes next: a run of output of at most `budget` bytes, or another record; None for nothing yet.

        `at_end` is set when there will never be more.
        """
        await self._fetch()
        if not self._pending:
            return None
        if self._pending[0].type is not RecordType.OUTPUT:
            return self._pending.popleft()
        return self._output(budget)

    async def _fetch(self) -> None:
        while not self._pending:
            ended = self._feed is None or self._feed.over
            records = await self._more()
            if not records:
                self.at_end = ended
                return
            self._sequence = records[-1].sequence
            self._pending.extend(record for record in records if not self._behind(record))

    async def _more(self) -> list[Record]:
        records = self._feed.ring.after(self._sequence, BATCH) if self._feed is not None else None
        if records is None:
            records = await self._database.read(
                self._actor,
                queries.read_log,
                session_id=self._session_id,
                after=self._sequence,
                offset=self.offset,
                count=queries.PAGE_EVENTS if self._of_agent else queries.PAGE_RECORDS,
            )
        return records

    def _behind(self, record: Record) -> bool:
        """Whether a record lies before the offset that was asked for."""
        if record.type is RecordType.OUTPUT:
            return record.end_offset <= self.offset
        if record.type is RecordType.AGENT:
            return record.sequence <= self._events_after
        return record.offset < self.offset

    def _output(self, budget: int) -> Output:
        offset, parts = self.offset, []
        while budget > 0 and self._pending and self._pending[0].type is RecordType.OUTPUT:
            record = self._pending[0]
            begin = self.offset - record.offset
            part = record.data[begin : begin + budget]
            parts.append(part)
            budget -= len(part)
            self.offset += len(part)
            if self.offset == record.end_offset:
                self._pending.popleft()
        return Output(offset, b"".join(parts))
