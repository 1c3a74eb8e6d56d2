"""The checkers of fault tests see what they are there for."""

from dataclasses import replace
from typing import Any

import pytest

from chassis import ids
from tests.support import changes
from tests.support.checkers import (
    answers_are_kept,
    ledger_is_the_record,
    nothing_is_recorded_of,
    versions_count_up,
)
from tests.support.history import History, Outcome, Row

ACCOUNT, ENTITY = ids.new(), str(ids.new())


def _row(position: int, **header: str) -> Row:
    fields: dict[str, Any] = {"entity_id": ENTITY, "entity_version": position} | header
    change = changes.change(ACCOUNT, position, **fields)
    return Row(change.epoch, change.position, change.header, change.salt, change.payload)


ROWS = [_row(position, request_id=f"request-{position}") for position in (1, 2, 3)]
OTHER_BYTES = [ROWS[0], replace(ROWS[1], payload=b"forged"), ROWS[2]]


def test_ledger_is_the_record_same_rows_break_nothing() -> None:
    """As it should be."""
    assert ledger_is_the_record(ROWS, ROWS) == []
    assert versions_count_up(ROWS) == []


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (ROWS[:2], "position 3 is committed, not recorded"),
        ([*ROWS, _row(4)], "position 4 is recorded, not committed"),
        (OTHER_BYTES, "position 2 was recorded with other bytes"),
        ([ROWS[0], ROWS[0], *ROWS[1:]], "positions are not 1, 2, 3 …: the first odd one is 1"),
        ([ROWS[0], ROWS[2]], "positions are not 1, 2, 3 …: the first odd one is 3"),
    ],
)
def test_ledger_is_the_record_other_rows_are_named(recorded: list[Row], said: str) -> None:
    """A lost, an invented, a changed, a repeated entry and a gap."""
    assert said in ledger_is_the_record(ROWS, recorded)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2), (0, 0, 1)])
def test_versions_count_up_wrong_order_is_named(order: tuple[int, ...]) -> None:
    """Swapped, missing, twice."""
    assert len(versions_count_up([ROWS[at] for at in order])) == 1


@pytest.mark.parametrize(
    ("outcome", "times", "broken"),
    [
        (Outcome.OK, 1, False),
        (Outcome.OK, 0, True),
        (Outcome.OK, 2, True),
        (Outcome.FAIL, 0, False),
        (Outcome.FAIL, 1, True),
        (Outcome.INFO, 0, False),
        (Outcome.INFO, 1, False),
        (Outcome.INFO, 2, True),
    ],
)
def test_answers_are_kept_counts_what_was_promised(outcome: Outcome, times: int, *, broken: bool) -> None:
    """Exactly once, never, or at most once."""
    history = History()
    history.invoke("request-9", "workspace.created").outcome = outcome
    recorded = [_row(position, request_id="request-9", type="created") for position in range(1, times + 1)]
    assert bool(answers_are_kept(history, recorded)) is broken


def test_nothing_is_recorded_of_a_phantom_that_is_there_names_it() -> None:
    """A row of a transaction that rolled back."""
    assert nothing_is_recorded_of(["request-2", "request-7"], ROWS) == [
        "request-2 was never committed, and is recorded"
    ]
