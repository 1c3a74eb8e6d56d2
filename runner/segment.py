"""One file of a spool: appended to by the runner that made it, read by anyone, never changed in between."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from runner.record import Record, decode, encode_header, encoded_size

_SUFFIX = ".records"
_READ = 512 * 1024
"""Bytes taken from disk at once: some thirty full records."""


@dataclass(slots=True)
class Segment:
    """A file with the records from `first` to `last`, whose valid part has `size` bytes; `last < first` when empty."""

    path: Path
    first: int
    last: int
    size: int

    @classmethod
    def create(cls, directory: Path, first: int) -> tuple["Segment", int]:
        """Make a segment whose first record will be `first`; return it and its descriptor for appending."""
        path = directory / f"{first:020d}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return cls(path, first, first - 1, 0), descriptor

    def open_end(self) -> int:
        """Return a descriptor for appending to a segment that this process wrote before an upgrade."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.ftruncate(descriptor, self.size)
        return descriptor

    def append(self, descriptor: int, records: list[Record]) -> int:
        """Write records in one call and return how many bytes they took; either all of them are in the file or none."""
        buffers = [part for record in records for part in (encode_header(record), record.body)]
        wanted = sum(map(encoded_size, records))
        try:
            written = os.writev(descriptor, buffers)
        except OSError:
            os.ftruncate(descriptor, self.size)
            raise
        if written != wanted:
            os.ftruncate(descriptor, self.size)
            raise OSError(errno.ENOSPC, "no space left for a record")
        self.size += wanted
        self.last = records[-1].sequence
        return wanted

    def read(self, after: int, position: int, budget: int) -> tuple[list[Record], int]:
        """Return records after a sequence, from `position` on, of about `budget` bytes, and the position behind them.

        Raises:
            FileNotFoundError: the segment was dropped meanwhile.
        """
        found: list[Record] = []
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while budget > 0 and position < self.size:
                data = os.pread(descriptor, min(_READ, self.size - position), position)
                used = 0
                while budget > 0 and (record := decode(data, used)) is not None:
                    used += encoded_size(record)
                    if record.sequence > after:
                        found.append(record)
                        budget -= encoded_size(record)
                position += used
                if used == 0:
                    break
        finally:
            os.close(descriptor)
        return found, position


def reopen(directory: Path) -> tuple[list[Segment], Record | None]:
    """Return the segments that another runner left, and the newest record; what follows a torn one is ignored."""
    segments: list[Segment] = []
    newest: Record | None = None
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        first = int(path.name.removesuffix(_SUFFIX))
        if newest is not None and first != newest.sequence + 1:
            break
        segment, last = _scan(path, first)
        segments.append(segment)
        newest = last or newest
        if segment.size < path.stat().st_size:
            break
    return segments, newest


def _scan(path: Path, first: int) -> tuple[Segment, Record | None]:
    data = path.read_bytes()
    segment = Segment(path, first, first - 1, 0)
    newest: Record | None = None
    while (record := decode(data, segment.size)) is not None and record.sequence == segment.last + 1:
        segment.last = record.sequence
        segment.size += encoded_size(record)
        newest = record
    return segment, newest
