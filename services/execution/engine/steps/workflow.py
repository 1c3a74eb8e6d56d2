"""Steps that run another workflow, as an execution of its own."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
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
        actor = Actor.of_service("execution", attempt.account_id)
        if attempt.progress is None:
            child = await self._start(actor, attempt)
        else:
            child_id = UUID(attempt.progress["execution_id"])
            read = partial(self.database.read, actor, queries.get_execution, execution_id=child_id)
            child = await patiently(read)
        if child.end_time is None:
            return Looking(datetime.now(UTC) + LOOK, {"execution_id": str(child.execution_id)})
        if child.state is State.COMPLETED:
            return Ended(child.output)
        why = f": {child.failure.message}" if child.failure else ""
        reason = f"EXECUTION_{child.state.name}"
        raise StepFailed(reason, f"execution {child.execution_id} is {child.state.name}{why}")

    async def _start(self, actor: Actor, attempt: Attempt) -> Execution:
        if len(json.dumps(attempt.inputs)) > INPUT:
            raise StepFailed("INPUT_TOO_LARGE", f"what it is given is larger than {INPUT // 1024} KiB")
        spec = ChildSpec(
            execution_id=attempt.execution_id,
            path=attempt.path,
            attempt=attempt.number,
            workflow_id=UUID(attempt.step.workflow_id),
            input=dict(attempt.inputs),
            timeout=timedelta(seconds=attempt.step.duration or 0),
        )
        try:
            return await patiently(partial(self.database.write, actor, start_child, spec=spec))
        except TooDeep as exc:
            raise StepFailed(
                "RECURSION_LIMIT_EXCEEDED", f"{DEPTH} executions are around it, and no more may be"
            ) from exc
        except DomainError as exc:
            raise StepFailed(exc.reason, str(exc)) from exc
