"""Examples that differ in every run, and can be had again."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings


def examples(config: pytest.Config, count: int) -> Callable[[Any], Any]:
    """Return what makes a property try `count` examples in each of the run's rounds.

    They follow from `--seed`, which is printed with a failure; without one, from chance.
    """
    chosen = config.getoption("seed") or secrets.randbits(32)
    print(f"--seed {chosen}")  # noqa: T201  # shown with a failure
    limits = settings(
        max_examples=count * config.getoption("rounds"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(chosen)(limits(test))
