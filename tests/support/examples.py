"""Examples that are the same in every run of `make test`, differ with `--thorough`, and can be had again."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import seed, settings


def examples(config: pytest.Config, count: int) -> Callable[[Any], Any]:
    """Return what makes a property try `count` examples in each of the run's rounds.

    They follow from `--seed`, which is printed with a failure.
    """
    chosen = config.getoption("seed") or (secrets.randbits(32) if config.getoption("thorough") else 1)
    print(f"--seed {chosen}")  # noqa: T201  # shown with a failure
    limits = settings(max_examples=count * config.getoption("rounds"), derandomize=False)
    return lambda test: seed(chosen)(limits(test))
