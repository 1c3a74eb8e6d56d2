"""The spool of one terminal: an ordered log on disk that is kept until somebody else has it."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

from chassis import faults
from runner.errors import OutputTrimmed
from runner.record import Record, RecordType
from runner.segment import Segment, reopen
from runner.synchronizer import Synchronizer
from runner.tail import Tail

SEGMENT_BYTES = 4 * 1024 * 1024
"""Small enough that an acknowledgement soon frees a file, large enough that files are few."""

BATCH_BYTES = 256 * 1024
"""About how much one read returns: far below the 4 MiB limit of a message, enough to fill a pipe."""

_REMEMBERED_POSITIONS = 64
"""Streams that read from disk at the same time and go on without searching."""

_BEFORE_SPOOL = faults.Point("runner.before_spool", "Output was read from the terminal, and is in no file.")
_AFTER_SPOOL = faults.Point("runner.after_spool", "Output is in the spool, and nobody was shown it.")


class Spool:
    """The log of one terminal.

    A record is in the file (`write(2)` returned) before anyone can read it here, so it survives the death of any
    process; it is on the disk within 50 ms. `limit` bounds the bytes kept: the owner asks `full` and stops reading.
    """

    def __init__(self, directory: Path, executor: Executor, limit: int) -> None:
        self.directory = directory
        self.end_sequence = 0
        self.end_offset = 0
        self.acknowledged_sequence = 0
        self.closed = False
        self._executor = executor
        self._limit = limit
        self._segment_bytes = min(SEGMENT_BYTES, max(limit // 4, 1))
        self._segments: list[Segment] = []
        self._tail = Tail()
        self._waiters: list[asyncio.Future[None]] = []
        self._positions: dict[int, tuple[int, int]] = {}
        self._synchronizer = Synchronizer(executor)
        self._descriptor = -1

    @classmethod
    def create(cls, directory: Path, executor: Executor, limit: int) -> "Spool":
        """Make the spool of a new terminal; the folder must not exist."""
        directory.mkdir(mode=0o700, parents=True)
        spool = cls(directory, executor, limit)
        spool._rotate()
        return spool

    @classmethod
    def reopen(cls, directory: Path, executor: Executor, limit: int = 0) -> "Spool":
        """Open the spool that another runner left, for reading only; a torn end is cut off."""
        spool = cls(directory, executor, limit)
        spool._segments, newest = reopen(directory)
        if spool._segments:
            spool.acknowledged_sequence = spool._segments[0].first - 1
            spool.end_sequence = spool.acknowledged_sequence
        if newest is not None:
            spool.end_sequence, spool.end_offset = newest.sequence, newest.end_offset
        spool.closed = True
        return spool

    def go_on(self, acknowledged_sequence: int) -> None:
        """Take records again: for a reopened spool that this very process wrote before an upgrade."""
        self.acknowledged_sequence = acknowledged_sequence
        self.closed = False
        self._descriptor = self._segments[-1].open_end()
        self._synchronizer.watch(self._descriptor, self.directory)
        self._synchronizer.wrote(0)  # what came just before the upgrade may not be on the disk

    def newest(self) -> Iterator[Record]:
        """Yield the records of the newest two files, which are enough to know what a screen shows."""
        for segment in self._segments[-2:]:
            yield from segment.read(0, 0, segment.size)[0]

    @property
    def full(self) -> bool:
        """Whether no more output should be taken until somebody acknowledges some."""
        return sum(segment.size for segment in self._segments) >= self._limit

    def append(self, type_: RecordType, bodies: Sequence[bytes]) -> list[Record]:
        """Write records of one type and wake those who wait for them.

        Raises:
            OSError: the disk refused them; none of them was written.
        """
        _BEFORE_SPOOL.reach()
        now, sequence, offset = time.time_ns(), self.end_sequence, self.end_offset
        records = []
        for body in bodies:
            sequence += 1
            records.append(Record(sequence, offset, now, type_, body))
            offset = records[-1].end_offset
        if self._segments[-1].size >= self._segment_bytes:
            self._rotate()
        self._synchronizer.wrote(self._segments[-1].append(self._descriptor, records))
        _AFTER_SPOOL.reach()
        self.end_sequence, self.end_offset = sequence, offset
        self._tail.extend(records)
        self._wake()
        return records

    async def read(self, after: int) -> list[Record]:
        """Return the next records after a sequence, about 256 KiB of them; none when there are no newer ones.

        Raises:
            OutputTrimmed: the next one was acknowledged and dropped.
        """
        if after >= self.end_sequence:
            return []
        found = self._tail.after(after, BATCH_BYTES)
        if found is not None:
            return found
        try:
            return await asyncio.get_running_loop().run_in_executor(None, self._read_disk, after)
        except FileNotFoundError as error:
            raise OutputTrimmed(after, self.first_sequence) from error

    @property
    def first_sequence(self) -> int:
        """The oldest record that is still here."""
        return self._segments[0].first if self._segments else self.end_sequence + 1

    async def wait(self, after: int) -> bool:
        """Wait until there is a record after a sequence; return False when none will come."""
        while self.end_sequence <= after:
            if self.closed:
                return False
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return True

    def acknowledge(self, sequence: int) -> None:
        """Note that all records up to `sequence` are stored elsewhere, and drop the files that hold no other."""
        self.acknowledged_sequence = max(self.acknowledged_sequence, min(sequence, self.end_sequence))
        while len(self._segments) > 1 and self._segments[0].last <= self.acknowledged_sequence:
            self._segments.pop(0).path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Take no more records; all that were written are on the disk when this returns."""
        self.closed = True
        self._wake()
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            await self._synchronizer.close(descriptor)

    async def remove(self) -> None:
        """Delete the files."""
        await self.close()
        await asyncio.get_running_loop().run_in_executor(self._executor, shutil.rmtree, self.directory, True)  # noqa: FBT003 ignore_errors

    def _read_disk(self, after: int) -> list[Record]:
        first, position = self._positions.pop(after, (0, 0))
        for segment in list(self._segments):
            if segment.last <= after or segment.first < first:
                continue
            if segment.first > after + 1:
                break
            found, end = segment.read(after, position if segment.first == first else 0, BATCH_BYTES)
            if found:
                while len(self._positions) >= _REMEMBERED_POSITIONS:
                    self._positions.pop(next(iter(self._positions)))
                self._positions[found[-1].sequence] = (segment.first, end)
                return found
        raise FileNotFoundError

    def _rotate(self) -> None:
        if self._descriptor >= 0:
            self._synchronizer.retire(self._descriptor)
        segment, self._descriptor = Segment.create(self.directory, self.end_sequence + 1)
        self._segments.append(segment)
        self._synchronizer.watch(self._descriptor, self.directory)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
