"""Executions of triggers begin on the engine of the process that decided."""

from collections.abc import Iterable

from services.execution.engine.engine import Engine
from services.execution.triggers.operations import Started


def take(engine: Engine, started: Iterable[Started]) -> None:
    """Begin executions that were stored so. Those that are not begun come back by their leases."""
    for each in started:
        engine.take(each.execution, each.definition)
