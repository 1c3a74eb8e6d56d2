"""When a session is idle, and when it is to end for that."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis import ids
from chassis.errors import InvalidField
from services.session.idleness.domain import IdlePolicy, Verdict, Watched
from services.session.sessions.domain import Kind, State

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
POLICY = IdlePolicy.usual(ids.new(), ids.new(), NOW)
LONG, SHORT = timedelta(minutes=61), timedelta(minutes=59)


def _watched(
    *, printed: timedelta = LONG, used: timedelta = LONG, state: State = State.ACTIVE, ending: bool = False
) -> Watched:
    """Return what is known of a session that printed, and used the processor, so long ago; 70 ms of it so far."""
    return Watched(ids.new(), ids.new(), Kind.TERMINAL, state, ending, NOW - printed, 70, NOW - used)


@pytest.mark.parametrize(
    ("watched", "used", "verdict"),
    [
        (_watched(), 70, Verdict.ENDS),
        (_watched(), 71, Verdict.USES_CPU),
        (_watched(), 69, Verdict.USES_CPU),
        (_watched(), None, Verdict.UNKNOWN),
        (_watched(printed=SHORT), 70, Verdict.WORKED),
        (_watched(used=SHORT), 70, Verdict.WORKED),
        (_watched(state=State.PAUSED), 70, Verdict.PAUSED),
        (_watched(state=State.STARTING), 70, Verdict.UNDER_WAY),
        (_watched(ending=True), 70, Verdict.UNDER_WAY),
    ],
)
def test_judge_ends_only_what_surely_is_idle(watched: Watched, used: int | None, verdict: Verdict) -> None:
    """Whatever speaks against it keeps the session, and so does a runner that does not answer."""
    assert watched.judge(POLICY, NOW, used) is verdict


def test_judge_while_the_policy_is_off_ends_nothing() -> None:
    """However long nothing worked."""
    assert _watched().judge(POLICY.update(NOW, {"off": True}), NOW, 70) is Verdict.POLICY_IS_OFF


@pytest.mark.parametrize(
    ("idle_minutes", "warned_in", "end_in"),
    [
        (54, None, None),  # too far away for a warning
        (55, None, 5),
        (300, None, 5),  # nobody looked: the warning still comes first
        (300, 2, 2),  # once given, it counts
        (10, 2, None),  # something worked after it
    ],
)
def test_end_of_is_never_before_its_warning(idle_minutes: int, warned_in: int | None, end_in: int | None) -> None:
    """Devices have the whole time of the warning, whenever it is given."""
    warned, end = (None if minutes is None else NOW + timedelta(minutes=minutes) for minutes in (warned_in, end_in))
    assert POLICY.end_of(NOW - timedelta(minutes=idle_minutes), warned, NOW) == end


def test_update_with_a_warning_that_is_too_long_is_refused() -> None:
    """It must leave some time before it; values that it has change nothing."""
    assert POLICY.update(NOW, {"warning": POLICY.warning}) is POLICY
    with pytest.raises(InvalidField):
        POLICY.update(NOW, {"idle_after": POLICY.warning})
