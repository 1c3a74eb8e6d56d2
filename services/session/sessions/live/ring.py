"""The newest records of one session in memory: all that PostgreSQL does not have yet, and a tail of what it has."""

import asyncio
from collections import deque
from collections.abc import Iterable

from services.session.sessions.log import Record, RecordType

LIMIT = 4 * 1024 * 1024
"""Bytes that may wait for PostgreSQL; beyond them nothing is read from the runner, whose spool is on disk."""
TAIL = 256 * 1024
"""Bytes kept although they are stored, so that a device that keeps up never asks the database."""
WEIGHT = 200
"""Bytes that a record weighs beside its data."""


class Ring:
    """A run of records without a gap. It ends with the newest known and holds at least all after `stored`."""

    def __init__(self, sequence: int, offset: int) -> None:
        """Begin behind what is stored: up to a sequence, and to an offset of the output."""
        self.stored = sequence
        self.last = sequence
        self.end_offset = offset
        self.closed = False
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def first(self) -> int:
        """Sequence of the oldest record here; one after the last when there is none."""
        return self.last - len(self._records) + 1

    def extend(self, records: Iterable[Record]) -> None:
        """Add records; those that are here already are left out. ValueError for a gap."""
        for record in records:
            if record.sequence <= self.last:
                continue
            if record.sequence != self.last + 1:
                msg = f"record {record.sequence} does not follow {self.last}"
                raise ValueError(msg)
            self._records.append(record)
            self._bytes += _weight(record)
            self.last, self.end_offset = record.sequence, record.end_offset
            self.closed = record.type is RecordType.EXIT
        self._trim()

    def store(self, sequence: int) -> None:
        """Note that PostgreSQL has all records up to a sequence."""
        self.stored = max(self.stored, sequence)
        self._trim()

    def restart(self, sequence: int, offset: int) -> None:
        """Begin anew behind what is stored by now, when that is more than is known here."""
        if sequence > self.last:
            self._records.clear()
            self._bytes = 0
            self.last, self.end_offset = sequence, offset
        self.store(sequence)

    def after(self, sequence: int, budget: int) -> list[Record] | None:
        """Return about `budget` bytes of records after a sequence, or None when the next one is no longer here."""
        if sequence + 1 < self.first:
            return None
        found = []
        for index in range(sequence + 1 - self.first, len(self._records)):
            if budget <= 0:
                break
            found.append(self._records[index])
            budget -= _weight(found[-1])
        return found

    def unstored(self, budget: int) -> list[Record]:
        """Return about `budget` bytes of what PostgreSQL does not have yet, oldest first."""
        return self.after(self.stored, budget) or []

    async def room(self) -> None:
        """Wait until less than the limit waits for PostgreSQL."""
        await self._room.wait()

    def _trim(self) -> None:
        while self._records and self._bytes > TAIL and self._records[0].sequence <= self.stored:
            self._bytes -= _weight(self._records.popleft())
        if self._bytes < LIMIT:
            self._room.set()
        else:
            self._room.clear()


def _weight(record: Record) -> int:
    return len(record.data) + WEIGHT
