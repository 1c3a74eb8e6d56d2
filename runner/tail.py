"""The newest records of a spool in memory, so that a device that keeps up never waits for a disk."""

from collections import deque
from collections.abc import Iterable

from runner.record import Record

_MAXIMUM_BYTES = 512 * 1024
"""Some thirty full records: a stream that lags further reads from disk."""

_MAXIMUM_RECORDS = 1024
"""Bounds the memory that single keystrokes take, which are far larger as objects than as bytes."""


class Tail:
    """A bounded run of records without a gap that ends at the newest."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self._bytes = 0

    def extend(self, records: Iterable[Record]) -> None:
        """Add newer records and forget the oldest beyond the bounds."""
        for record in records:
            self._records.append(record)
            self._bytes += len(record.body)
        while self._bytes > _MAXIMUM_BYTES or len(self._records) > _MAXIMUM_RECORDS:
            self._bytes -= len(self._records.popleft().body)

    def after(self, sequence: int, budget: int) -> list[Record] | None:
        """Return records after a sequence of about `budget` bytes, or None when the next one is no longer here."""
        if not self._records or self._records[0].sequence > sequence + 1:
            return None
        found: list[Record] = []
        for index in range(sequence + 1 - self._records[0].sequence, len(self._records)):
            if budget <= 0:
                break
            found.append(self._records[index])
            budget -= len(found[-1].body)
        return found
