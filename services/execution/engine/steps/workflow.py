"""Steps that run another workflow, as an execution of its own."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Ended, Looking, Result, StepFailed
from services.execution.executions import queries
from services.execution.executions.children import DEPTH, ChildSpec, TooDeep, start_child
from services.execution.executions.convert import INPUT
from services.execution.executions.domain import Execution, State

LOOK = timedelta(seconds=30)
"""Between looks at an execution whose end nobody tells of, because who ended it died just then."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """Runs a workflow."""

    database: Database

    async def run(self, attempt: Attempt) -> Result:
        """Start it, or look whether it has ended."""
        if attempt.progress is not None:
            return await look(self.database, attempt)
        timeout = timedelta(seconds=attempt.step.duration or 0)
        wanted = {"workflow_id": UUID(attempt.step.workflow_id), "timeout": timeout}
        try:
            return await start(self.database, attempt, dict(attempt.inputs), **wanted)
        except DomainError as exc:
            raise StepFailed(exc.reason, str(exc)) from exc


async def start(database: Database, attempt: Attempt, given: dict[str, Any], **wanted: Any) -> Result:
    """Start what is wanted, for this attempt once, and follow it. A DomainError when it cannot be started."""
    if len(json.dumps(given)) > INPUT:
        raise StepFailed("INPUT_TOO_LARGE", f"what it is given is larger than {INPUT // 1024} KiB")
    actor = Actor.of_service("execution", attempt.account_id)
    spec = ChildSpec(attempt.execution_id, attempt.path, attempt.number, given, **wanted)
    try:
        return _result(await patiently(partial(database.write, actor, start_child, spec=spec)))
    except TooDeep as exc:
        raise StepFailed("RECURSION_LIMIT_EXCEEDED", f"{DEPTH} executions are around it, and no more may be") from exc


async def look(database: Database, attempt: Attempt) -> Result:
    """Look whether what an attempt has started has ended."""
    actor = Actor.of_service("execution", attempt.account_id)
    child_id = UUID(attempt.progress["execution_id"])
    return _result(await patiently(partial(database.read, actor, queries.get_execution, execution_id=child_id)))


def _result(child: Execution) -> Result:
    if child.end_time is None:
        return Looking(datetime.now(UTC) + LOOK, {"execution_id": str(child.execution_id)})
    if child.state is State.COMPLETED:
        return Ended(child.output)
    why = f": {child.failure.message}" if child.failure else ""
    reason = f"EXECUTION_{child.state.name}"
    raise StepFailed(reason, f"execution {child.execution_id} is {child.state.name}{why}")
