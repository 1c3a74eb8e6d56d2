"""A session's log as a whole, and the kinds of files that it becomes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from uuid import UUID

from services.session.sessions.domain import Session
from services.session.sessions.log import Record

_OFFSET_BITS = 63  # of a bigint
LAST_OFFSET = (1 << _OFFSET_BITS) - 1
"""Beyond the end of every log."""


class Format(Enum):
    """What kind of file."""

    CAST = "CAST"
    TEXT = "TEXT"
    NDJSON = "NDJSON"


@dataclass(frozen=True, slots=True)
class Recording:
    """A session whose log begins with a terminal of `columns` by `rows` and is stored up to `last_sequence`."""

    session: Session
    columns: int
    rows: int
    last_sequence: int

    @property
    def width(self) -> int:
        """Cells in a row at the beginning; 0 where there is no terminal, and nothing is wrapped."""
        return self.columns if self.session.has_terminal else 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What file somebody wants of a session, without its first `offset` bytes."""

    session_id: UUID
    format: Format
    offset: int
    idle_time_limit: timedelta | None


class Form(Protocol):
    """Makes one kind of file of a log. What it has returned never changes with what is added later."""

    content_type: str
    extension: str

    def begin(self) -> bytes:
        """Return what stands before all records."""

    def add(self, record: Record) -> bytes:
        """Return what a record adds, which may be nothing yet."""

    def end(self) -> bytes:
        """Return what was held back, once nothing can follow."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, and where; None for everywhere."""

    text: str
    regex: bool
    case_sensitive: bool
    session_id: UUID | None
    workspace_id: UUID | None
    start_time: datetime | None
    end_time: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search goes on: below an offset of a session, then in older ones. It travels as one number."""

    session_id: UUID
    offset: int

    @property
    def number(self) -> int:
        """The place as a number."""
        return self.session_id.int << _OFFSET_BITS | self.offset

    @classmethod
    def of(cls, number: int) -> "Place":
        """Return the place that a number means."""
        return cls(UUID(int=number >> _OFFSET_BITS), number & LAST_OFFSET)


@dataclass(frozen=True, slots=True)
class Match:
    """A line in which something was found, between characters `begin` and `end`."""

    session_id: UUID
    workspace_id: UUID
    offset: int
    time: datetime
    line: str
    begin: int
    end: int
    line_before: str
    line_after: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, newest first, and where it goes on; None at the end."""

    matches: list[Match]
    rest: Place | None
    searched_bytes: int


@dataclass(frozen=True, slots=True)
class LogMonth:
    """The logs of an account's sessions that were created in a month: what there was when they were let go."""

    log_month_id: UUID
    account_id: UUID
    start_time: datetime
    session_count: int
    record_count: int
    output_bytes: int
    version: int
    expire_time: datetime

    @property
    def entity_id(self) -> UUID:
        """Its id."""
        return self.log_month_id
