"""What one step may say."""

import pytest

from chassis import ids
from services.execution.engine import journal
from services.execution.engine.journal import Journal, StepLog
from services.execution.logs.domain import Level


def step_log(kept: Journal) -> StepLog:
    """Return what a step says something with."""
    return StepLog(kept, ids.new(), 1, "a", 1)


def said(kept: Journal) -> list[str]:
    """Return what is to be stored."""
    return [each.line.message for each in kept.lines]


@pytest.fixture
def kept() -> Journal:
    """Return a journal that stores nothing."""
    return Journal(None)  # type: ignore[arg-type]  # it has no database


def test_say_of_lines_and_long_ones_makes_a_line_of_each(kept: Journal) -> None:
    """What is longer than a line goes on in the next."""
    step_log(kept).say(Level.INFO, "a\n" + "b" * (journal.MESSAGE + 1))
    assert said(kept) == ["a", "b" * journal.MESSAGE, "b"]


def test_say_of_what_cannot_be_stored_replaces_it(kept: Journal) -> None:
    """NUL, and halves of characters."""
    step_log(kept).say(Level.INFO, "a\0b\ud800")
    assert said(kept) == ["a\N{REPLACEMENT CHARACTER}b?"]


def test_say_of_more_than_a_step_may_is_cut_and_says_so(kept: Journal) -> None:
    """Once, and nothing after it."""
    log = step_log(kept)
    for _ in range(journal.STEP // 1000 + 10):
        log.say(Level.INFO, "a" * 1000)
    log.say(Level.INFO, "more")
    assert sum(len(each) for each in said(kept)) < journal.STEP
    assert said(kept)[-1].startswith("[the log is cut")
    assert sum("the log is cut" in each for each in said(kept)) == 1
