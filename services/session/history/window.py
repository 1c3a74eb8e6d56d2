"""A window of a log, searched: from the newest line to the oldest."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.session.history.domain import Match, Query
from services.session.history.lines import Line, Splitter, render
from services.session.history.pattern import Pattern
from services.session.sessions.domain import Session
from services.session.sessions.log import Record

SHOWN = 500
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Window:
    """Records of output that follow one another, up to `end`, where a line ends or the log does.

    `sizes` are the offsets from which on a terminal of the session had how many columns.
    """

    session: Session
    records: Sequence[Record]
    end: int
    sizes: Sequence[tuple[int, int]]

    @property
    def begin(self) -> int:
        """Offset of its first byte."""
        return self.records[0].offset

    def search(self, pattern: Pattern, query: Query) -> tuple[list[Match], int]:
        """Return what is found, and where the window before ends: there begins the first line that was searched."""
        found = self._lines()
        if self.begin > 0 and len(found) > 1:
            del found[0]  # its beginning lies in the window before
            begin = found[0].offset
        else:
            begin = self.begin
        texts = [(line, render(line.data, self._width(line.offset))) for line in found]
        shown = [(line, text) for line, text in texts if text]
        return list(self._matches(shown, pattern, query)), begin

    def _lines(self) -> list[Line]:
        splitter, found = Splitter(self.begin), list[Line]()
        for record in self.records:
            found += splitter.add(record.data[: max(self.end - record.offset, 0)])
        return [*found, *splitter.end()]

    def _matches(self, shown: Sequence[tuple[Line, str]], pattern: Pattern, query: Query) -> Iterator[Match]:
        for at in range(len(shown) - 1, -1, -1):
            line, text = shown[at]
            span = pattern.find(text)
            time = self._time(line.offset) if span is not None else None
            if span is None or time is None or not _is_within(time, query):
                continue
            cut = max(0, min(span[0] - SHOWN // 4, len(text) - SHOWN))
            yield Match(
                session_id=self.session.session_id,
                workspace_id=self.session.workspace_id,
                offset=line.offset,
                time=time,
                line=text[cut : cut + SHOWN],
                begin=span[0] - cut,
                end=min(span[1] - cut, SHOWN),
                line_before=shown[at - 1][1][:SHOWN] if at > 0 else "",
                line_after=shown[at + 1][1][:SHOWN] if at + 1 < len(shown) else "",
            )

    def _time(self, offset: int) -> datetime:
        at = bisect_right(self.records, offset, key=lambda record: record.offset)
        return self.records[at - 1].time

    def _width(self, offset: int) -> int:
        at = bisect_right(self.sizes, offset, key=lambda size: size[0])
        return self.sizes[at - 1][1] if at > 0 else 0


def _is_within(time: datetime, query: Query) -> bool:
    return (query.start_time is None or time >= query.start_time) and (query.end_time is None or time < query.end_time)
