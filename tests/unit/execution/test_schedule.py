"""Which instants a schedule means: by the wall once a day whatever the clock does, by the hour without a gap."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chassis.errors import DomainError
from services.execution.triggers.domain import LISTED, missed
from services.execution.triggers.schedule import MisfireRule, Schedule

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/Havana",  # at midnight
    "Africa/Cairo",  # at midnight, of a Friday
    "Asia/Beirut",
    "Pacific/Chatham",  # 45 minutes off the hour
    "America/Santiago",
    "Asia/Kolkata",
    "UTC",
)
zones = st.sampled_from(ZONES)
starts = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001  # made aware
DAYS = 400


def _schedule(cron: str, zone: str = "UTC") -> Schedule:
    return Schedule(cron, zone, MisfireRule.LATEST)


@given(zones, st.integers(0, 23), st.integers(0, 59), starts)
@settings(max_examples=40, deadline=None)
@example("Europe/Berlin", 2, 30, datetime(2026, 3, 1, tzinfo=UTC))
@example("Africa/Cairo", 0, 0, datetime(2026, 4, 1, tzinfo=UTC))
def test_schedule_with_an_hour_has_each_day_once(zone: str, hour: int, minute: int, start: datetime) -> None:
    """At its time on the wall; where that is skipped, at once afterwards; where it is shown twice, the first time."""
    clock = ZoneInfo(zone)
    times = _schedule(f"{minute} {hour} * * *", zone).preview(start, DAYS)
    assert all(before < after for before, after in pairwise([start, *times]))
    days = [time.astimezone(clock).date() for time in times]
    assert days == [days[0] + timedelta(days=number) for number in range(DAYS)]
    for time in times:
        local = time.astimezone(clock)
        wanted = local.replace(hour=hour, minute=minute, second=0, fold=0)
        exists = wanted.astimezone(UTC).astimezone(clock).replace(tzinfo=None) == wanted.replace(tzinfo=None)
        if exists:
            assert time == wanted.astimezone(UTC)
        else:
            before = (time - timedelta(seconds=1)).astimezone(clock)
            assert before.replace(tzinfo=None) < wanted.replace(tzinfo=None) < local.replace(tzinfo=None)


@given(zones, st.sampled_from([(3, 1), (4, 3), (9, 1), (10, 20)]))
@settings(max_examples=10, deadline=None)
@example("Australia/Lord_Howe", (4, 3))
def test_schedule_of_every_hour_goes_by_the_time_that_passes(zone: str, season: tuple[int, int]) -> None:
    """Half an hour lies between any two, also while the clock is changed."""
    start = datetime(2027, *season, tzinfo=UTC)
    times = _schedule("*/30 * * * *", zone).preview(start, 2 * 24 * 40)
    assert {after - before for before, after in pairwise(times)} == {timedelta(minutes=30)}
    assert timedelta(0) < times[0] - start <= timedelta(minutes=30)


@pytest.mark.parametrize("rule", ["0,30 2 * * *", "15 2-3 * * *", "*/20 1,2 * * SUN"])
@pytest.mark.parametrize("zone", ZONES)
def test_schedule_never_has_an_instant_twice(rule: str, zone: str) -> None:
    """Two times that the clock skips together are one instant; what follows an instant is what follows in the list."""
    schedule = _schedule(rule, zone)
    times = schedule.preview(datetime(2026, 1, 1, tzinfo=UTC), 1500)
    assert all(before < after for before, after in pairwise(times))
    assert [schedule.next(time) for time in times[:-1:50]] == times[1::50]


@given(st.sampled_from(["* * * * *", "7 */3 * * *", "0 0 29 2 *"]), zones, starts, st.integers(1, 60 * 24 * 400))
@settings(max_examples=30, deadline=None)
def test_newest_times_are_the_end_of_all_there_are(cron: str, zone: str, start: datetime, minutes: int) -> None:
    """However long nobody looked, it does not go through all of them."""
    schedule, until = _schedule(cron, zone), start + timedelta(minutes=minutes)
    near = max(start, until - timedelta(days=12)) if cron != "0 0 29 2 *" else start
    every = []
    for time in schedule.times(near):
        if time > until:
            break
        every.append(time)
    assert schedule.newest(start, until, 5) == every[-5:]


@given(st.text(alphabet="0123456789*,-/#LWMON ", max_size=24) | st.text(max_size=24), st.text(max_size=12))
@settings(max_examples=200, deadline=None)
@example("* * * * 1#2,*/2", "UTC")
@example("0 0 1 1 *", "../../etc/passwd")
def test_any_text_is_a_schedule_with_times_or_is_refused(cron: str, zone: str) -> None:
    """Nothing that people write is a fault of ours."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for schedule in (_schedule(cron), _schedule("0 0 1 1 *", zone)):
        assert _refused_field(schedule, now).startswith("schedule.") or schedule.next(now) is not None


def _refused_field(schedule: Schedule, now: datetime) -> str:
    try:
        schedule.expect_valid("schedule.", now)
    except DomainError as exc:
        return exc.violations[0].field
    return ""


@pytest.mark.parametrize(
    ("cron", "zone", "reason"),
    [
        ("* * * *", "UTC", "INVALID_CRON"),
        ("60 * * * *", "UTC", "INVALID_CRON"),
        ("0 0 32 1 *", "UTC", "INVALID_CRON"),
        ("* * * * * *", "UTC", "INVALID_CRON"),
        ("0 0 30 2 *", "UTC", "CRON_NEVER_FIRES"),
        ("0 0 31 4,6 *", "UTC", "CRON_NEVER_FIRES"),
        ("0 0 * * *", "Mars/X", "UNKNOWN_TIME_ZONE"),
        ("0 0 * * *", "Europe", "UNKNOWN_TIME_ZONE"),
    ],
)
def test_schedule_that_is_none_is_refused_with_its_own_reason(cron: str, zone: str, reason: str) -> None:
    """Too few parts, values beyond, seconds, days that no month has, zones that nobody knows."""
    with pytest.raises(DomainError) as refusal:
        _schedule(cron, zone).expect_valid("schedule.", datetime(2026, 1, 1, tzinfo=UTC))
    assert refusal.value.reason == reason


@given(st.sampled_from(MisfireRule), st.integers(1, LISTED), st.integers(0, 59))
def test_rule_of_missed_times_skips_what_it_says(rule: MisfireRule, count: int, seconds: int) -> None:
    """What is at most a minute late is not missed; LATEST starts one whatever was missed."""
    now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=seconds)
    times = [now - timedelta(minutes=number, seconds=seconds) for number in reversed(range(count))]
    started = [time for time in times if time not in missed(times, now, rule)]
    on_time = [time for time in times if now - time <= timedelta(minutes=1)]
    assert (
        started == {MisfireRule.ALL: times, MisfireRule.NONE: on_time, MisfireRule.LATEST: on_time or times[-1:]}[rule]
    )
