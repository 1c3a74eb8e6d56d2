"""The records of a session's log, as they travel from the runner over memory to PostgreSQL and to devices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class RecordType(IntEnum):
    """What a record is; the numbers are those of both contracts, that of EDITOR of the public one alone."""

    OUTPUT = 1
    RESIZE = 2
    TITLE = 3
    EXIT = 4
    SCREEN = 5
    BELL = 6
    PROGRESS = 7
    AGENT = 10
    EDITOR = 11


@dataclass(frozen=True, slots=True)
class Exit:
    """How a shell ended: by a code, by a signal, or nobody knows. `reason` is what whoever ended it gave."""

    code: int | None = None
    signal: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `sequence` counts 1, 2, 3 …; `offset` is that of its first output byte, else the end before it.

    `data` holds the bytes of OUTPUT, the UTF-8 text of TITLE, and the message of SCREEN, PROGRESS, AGENT and
    EDITOR as it was written; it is never changed on the way.
    """

    sequence: int
    offset: int
    time: datetime
    type: RecordType
    data: bytes = b""
    columns: int = 0
    rows: int = 0
    exit_code: int | None = None
    exit_signal: int | None = None
    reason: str = ""

    @property
    def end_offset(self) -> int:
        """The end of the output after this record."""
        return self.offset + len(self.data) if self.type is RecordType.OUTPUT else self.offset

    @property
    def shell_exit(self) -> Exit:
        """What an EXIT record says."""
        return Exit(self.exit_code, self.exit_signal, self.reason)


@dataclass(frozen=True, slots=True)
class Range:
    """Some records of a log: between two sequences, written between two instants, of some types (none for all)."""

    after: int = 0
    before: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    types: frozenset[RecordType] = frozenset()

    @property
    def is_dense(self) -> bool:
        """Whether it leaves out nothing between its sequences."""
        return self.start_time is None and self.end_time is None and not self.types


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log is stored, and who copies it: the holder of the newest `copier_epoch` and nobody else."""

    session_id: UUID
    head_sequence: int
    head_offset: int
    copier_epoch: int
    copier_process: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Records that follow what is stored, without a gap, and the head they must still find to be added."""

    session_id: UUID
    account_id: UUID
    copier_epoch: int
    head_sequence: int
    records: tuple[Record, ...]

    @property
    def last(self) -> Record:
        """The newest of them."""
        return self.records[-1]

    @property
    def screen(self) -> Record | None:
        """The newest screen among them."""
        screens = [record for record in self.records if record.type is RecordType.SCREEN]
        return screens[-1] if screens else None

    @property
    def title(self) -> str | None:
        """The newest title among them."""
        titles = [record.data for record in self.records if record.type is RecordType.TITLE]
        return titles[-1].decode("utf-8", "replace").replace("\0", "") if titles else None

    @property
    def shell_exit(self) -> Exit | None:
        """How the shell ended, when the last record says so."""
        return self.last.shell_exit if self.last.type is RecordType.EXIT else None


def cut(page: Sequence[Record]) -> Iterator[Record]:
    """Yield a page in the order of its log: its output, which comes as one record, is cut where others stand in it.

    Args:
        page: by sequence; its one OUTPUT record has the sequence of the last that was joined.
    """
    output = next((record for record in page if record.type is RecordType.OUTPUT), None)
    shown = output.offset if output is not None else 0
    for record in page:
        own = record is output
        end, sequence = (record.end_offset, record.sequence) if own else (record.offset, record.sequence - 1)
        if output is not None and end > shown:
            data = output.data[shown - output.offset : end - output.offset]
            yield replace(output, sequence=sequence, offset=shown, data=data)
            shown = end
        if not own:
            yield record
