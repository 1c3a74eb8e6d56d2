"""A test of many cases fails as tests of one case would."""

import pytest

from tests.support.each import each


def test_each_with_cases_that_fail_names_them_and_no_other() -> None:
    """Every case is checked, and told by its name when it fails."""

    @each([1, 2, 3, 4], lambda number: f"number-{number}")
    def is_odd(number: int) -> None:
        assert number % 2

    with pytest.raises(ExceptionGroup, match="2 of 4 cases: number-2, number-4") as raised:
        is_odd()
    assert all(isinstance(failure, AssertionError) for failure in raised.value.exceptions)


def test_each_without_any_case_fails() -> None:
    """A check of nothing would pass for ever."""
    checked: list[int] = []
    with pytest.raises(AssertionError, match="no case is checked"):
        each(checked, str)(checked.append)()
