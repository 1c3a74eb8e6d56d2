"""How executions appear in change events. What they are given and what comes of them stays out."""

from chassis.changes import EntityKind
from services.execution.executions import convert
from services.execution.executions.domain import Execution
from services.execution.executions.store import execution_store

EXECUTION = EntityKind("execution", Execution, convert.execution_to_change, execution_store.get_execution)
