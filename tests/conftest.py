"""Servers that any test may ask for by name."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests.support.embedded_stack import embedded_stack, own_stack
from tests.support.installation import installation, template
from tests.support.ledger import ledger
from tests.support.nats import nats
from tests.support.postgres import postgres
from tests.support.product import product, product_template, shared_product
from tests.support.source import source
from tests.support.together import Together
from tests.support.two_accounts import owned, two

__all__ = [
    "embedded_stack",
    "installation",
    "ledger",
    "nats",
    "own_stack",
    "owned",
    "postgres",
    "product",
    "product_template",
    "shared_product",
    "source",
    "template",
    "two",
]


_FAULTS = Path(__file__).with_name("fault")

settings.register_profile("any", deadline=None, database=None, suppress_health_check=list(HealthCheck))
settings.register_profile("same", settings.get_profile("any"), derandomize=True)


def pytest_configure(config: pytest.Config) -> None:
    """Let a change be judged by the same random examples as the one before; `--thorough` looks for new ones."""
    settings.load_profile("any" if config.getoption("thorough") else "same")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make fault` runs, when it does not."""
    for item in items:
        if item.path.is_relative_to(_FAULTS):
            item.add_marker("fault")
    if config.getoption("thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    """Return how often to kill what is killed."""
    return int(pytestconfig.getoption("rounds"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    """Return who deals the tests out to the workers."""
    return Together(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests run at once: they wait for servers half of the time."""
    return 2 * (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which `make fault` repeats what `make test` does once."""
    parser.addoption(
        "--rounds", type=int, default=1, help="how often a fault test kills, and a random one sends, what it does"
    )
    parser.addoption("--thorough", action="store_true", help="run the tests too that are too long for every change")
    parser.addoption("--previous", default="", help="the commit that counts as the last release in a rolling upgrade")
    parser.addoption("--seed", type=int, default=0, help="the schedule, or the requests, of a test that failed")
