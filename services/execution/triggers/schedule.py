"""Times of a calendar: which instants a cron expression means in a zone, also where the clock is changed.

With `*` as hour a schedule goes by the time that passes. With any other hour it goes by the clock on the wall: what the
clock skips is the first instant after the gap, what it shows twice counts the first time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from services.execution.triggers.errors import CronNeverFires, InvalidCron, UnknownTimeZone

_FIELDS = 5
_MINUTE = timedelta(minutes=1)
_FIRST_LOOK = timedelta(hours=2)


class MisfireRule(Enum):
    """What becomes of times that were missed."""

    NONE = "NONE"
    LATEST = "LATEST"
    ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times of a calendar. One that is stored was found valid."""

    cron: str
    time_zone: str
    misfire_rule: MisfireRule

    def expect_valid(self, within: str, now: datetime) -> None:
        """Raise InvalidCron, CronNeverFires or UnknownTimeZone; `within` is empty, or a field and a dot."""
        try:
            ZoneInfo(self.time_zone)
        except (OSError, ValueError, KeyError) as exc:  # a folder of zones, a way out of it, no such zone
            raise UnknownTimeZone(within) from exc
        if len(self.cron.split()) != _FIELDS:
            raise InvalidCron(within, "five parts are needed: minute, hour, day of the month, month, day of the week")
        try:
            CronSim(self.cron, now)
        except CronSimError as exc:
            if self._reads_in_other_months(now):
                raise CronNeverFires(within) from exc
            raise InvalidCron(within, f"{str(exc).lower()} in {self.cron!r}") from exc
        if self.next(now) is None:
            raise CronNeverFires(within)

    def _reads_in_other_months(self, now: datetime) -> bool:
        """Whether it is only that the months have no such day, as in `0 0 30 2 *`."""
        *others, _, weekday = self.cron.split()
        try:
            CronSim(" ".join([*others, "*", weekday]), now)
            CronSim(" ".join(["0", "0", "1", self.cron.split()[3], "*"]), now)
        except CronSimError:
            return False
        return True

    def next(self, after: datetime) -> datetime | None:
        """Return the first instant after another; None when there is none in fifty years."""
        return next(self.times(after), None)

    def preview(self, after: datetime, count: int) -> list[datetime]:
        """Return the next instants."""
        return list(islice(self.times(after), count))

    def newest(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """Return the newest instants after one and until another, in order; looks no further back than it has to."""
        span = _FIRST_LOOK
        while True:
            begin = max(after, until - span)
            found = [*_until(self.times(begin), until)]
            if len(found) >= limit or begin == after:
                return found[-limit:]
            span *= 4

    def times(self, after: datetime) -> Iterator[datetime]:
        """Yield the instants after one, in order, in UTC."""
        zone = ZoneInfo(self.time_zone)
        by_wall = self.cron.split()[1] != "*"
        local = after.astimezone(zone)
        last = after
        for each in CronSim(self.cron, local.replace(tzinfo=None) if by_wall else local):
            instant = (_on_wall(each, zone) if by_wall else each).astimezone(UTC)
            if instant > last:  # two times that the clock skips are the same instant
                yield instant
                last = instant


def _on_wall(time: datetime, zone: tzinfo) -> datetime:
    """Return when a clock first shows a time, or what comes after the gap that it is in."""
    shown = time.replace(tzinfo=zone)
    while shown.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time:
        time += _MINUTE
        shown = time.replace(tzinfo=zone)
    return shown


def _until(times: Iterator[datetime], until: datetime) -> Iterator[datetime]:
    for each in times:
        if each > until:
            return
        yield each
