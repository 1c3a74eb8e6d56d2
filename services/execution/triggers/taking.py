"""Executions of triggers begin on the engine of the process that decided."""

from collections.abc import Iterable

from services.execution.engine.engine import FIRST_EPOCH, LEASE, Engine
from services.execution.executions.domain import Lease
from services.execution.triggers.operations import Owner, Started


def owner_of(engine: Engine) -> Owner:
    """Return how executions are stored that an engine is to begin."""
    return Owner(Lease(engine.engine_id, FIRST_EPOCH), LEASE)


def take(engine: Engine, started: Iterable[Started]) -> None:
    """Begin executions that were stored so. Those that are not begun come back by their leases."""
    for each in started:
        engine.take(each.execution, each.definition)
