"""Rows of executions and steps as they are here, and back."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from services.execution.definitions import document
from services.execution.definitions.domain import Type
from services.execution.executions.domain import Execution, Failure, State, StepExecution, StepState
from services.execution.executions.tables import executions, step_executions

COLUMNS = [executions.c[field.name] for field in fields(Execution)]
"""The columns that make an Execution."""
STEP_COLUMNS = [step_executions.c[field.name] for field in fields(StepExecution)]
"""The columns that make a StepExecution."""


def execution_of(row: Mapping[str, Any]) -> Execution:
    """Return a row as an execution."""
    values = {column.name: row[column.name] for column in COLUMNS}
    definition = values["definition"]
    read = {
        "definition": None if definition is None else document.from_json(definition),
        "failure": _failure(values["failure"]),
        "state": State(values["state"]),
    }
    return Execution(**values | read)


def step_of(row: Mapping[str, Any]) -> StepExecution:
    """Return a row as a step of an execution."""
    values = {column.name: row[column.name] for column in STEP_COLUMNS}
    read = {
        "type": Type(values["type"]),
        "state": StepState(values["state"]),
        "failure": _failure(values["failure"]),
    }
    return StepExecution(**values | read)


def row_of(execution: Execution) -> dict[str, Any]:
    """Return an execution as column values."""
    values = {column.name: getattr(execution, column.name) for column in COLUMNS}
    definition = execution.definition
    values["definition"] = None if definition is None else document.to_json(definition)
    return values | {"failure": None if execution.failure is None else asdict(execution.failure)}


def _failure(value: Any) -> Failure | None:
    return None if value is None else Failure(**value)
