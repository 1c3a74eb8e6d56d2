"""What metrics say is wrong with a process."""

import re
import time
from pathlib import Path

import pytest

from doctor import figures
from doctor.finding import Verdict

WELL = """
stateroom_ready 1
stateroom_consumer_stopped{source="workspace"} 0
stateroom_consumer_lag_changes{source="workspace"} 1000
stateroom_consumer_head_timestamp_seconds{source="workspace"} 0
process_open_fds 100
process_max_fds 1000
"""


def test_metrics_of_a_process_that_is_well_say_nothing() -> None:
    """A figure at its limit is good, and a time that never was is none."""
    page = f"{WELL}stateroom_sample_timestamp_seconds {time.time()}\n"
    assert list(figures.judged("session", page)) == []


@pytest.mark.parametrize(
    ("line", "verdict", "words"),
    [
        ('stateroom_consumer_stopped{source="workspace"} 1', Verdict.MISSING, "stopped following workspace"),
        ('stateroom_consumer_lag_changes{source="audit"} 1234', Verdict.DEGRADED, "1,234 changes behind audit"),
        (
            'stateroom_reconcile_oldest_seconds{table="saves"} 61.5',
            Verdict.DEGRADED,
            "work on saves has waited for 62 s",
        ),
        ('stateroom_database_connections_waiting{pool="own"} 2', Verdict.DEGRADED, "connection of the pool own"),
        ("stateroom_sample_timestamp_seconds 1", Verdict.DEGRADED, "has not asked its database"),
        ("process_open_fds 900\nprocess_max_fds 1000", Verdict.DEGRADED, "900 of 1000 files"),
    ],
)
def test_metrics_beyond_a_limit_say_what_and_what_to_do(line: str, verdict: Verdict, words: str) -> None:
    """Each in a sentence with its figure and whose it is."""
    (finding,) = figures.judged("session", f"{line}\n")
    assert (finding.subject, finding.verdict) == ("session", verdict)
    assert words in finding.said
    assert finding.advice


def test_limits_are_of_metrics_that_there_are() -> None:
    """What no process tells would never be seen."""
    named = set(re.findall(r"`(stateroom_[a-z_]+)`", Path("docs/operations.md").read_text()))
    assert figures.LIMITS.keys() <= named
