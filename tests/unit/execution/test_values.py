"""What comes from outside, as it can be kept."""

import pytest

from services.execution.engine.steps.port import StepFailed
from services.execution.engine.steps.values import storable


def test_storable_of_what_a_database_cannot_keep_replaces_it() -> None:
    """NUL, halves of characters and numbers that are none, in keys and values."""
    given = {"a\0": ["b\ud800", float("inf"), float("nan"), 10**400, 1, 1.5, None, True]}
    assert storable(given) == {"a\N{REPLACEMENT CHARACTER}": ["b?", None, None, None, 1, 1.5, None, True]}


def test_storable_of_what_is_too_deep_is_refused() -> None:
    """A message has no form for it."""
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(StepFailed, match="deep"):
        storable(deep)
