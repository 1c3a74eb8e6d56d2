"""What an execution keeps that goes on from another, and what is different in it. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import InvalidField, Violation
from services.execution.definitions.domain import TAKE_INPUTS, OnError
from services.execution.definitions.outline import TOP, Outline
from services.execution.executions.domain import Execution, ExecutionSpec, State, StepExecution, StepState
from services.execution.executions.errors import ExecutionNotRetriable

_RETRIABLE = frozenset({State.FAILED, State.CANCELLED, State.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Counts:
    """How many steps are kept, how many of them have completed, and how many failed."""

    total: int
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody gives in the place of a step: what it is given, or what came of it."""

    value: Any
    is_output: bool


@dataclass(frozen=True, slots=True)
class Fork:
    """An execution that goes on from another, at a step at its top; with an empty path it keeps whatever completed."""

    execution_id: UUID
    origin_execution_id: UUID
    path: str
    is_retry: bool
    given: Given | None = None

    def kept(self, origin: Execution, outline: Outline, ended: Mapping[str, StepState]) -> list[str]:
        """Return the keys of the steps at the top that stay as they are, with all that is inside them.

        Those are kept that have completed, or failed in vain, after others that are kept.
        ExecutionNotRetriable; InvalidField when there is no such step, or it takes no such thing.
        """
        if self.is_retry and origin.state not in _RETRIABLE:
            raise ExecutionNotRetriable(origin.execution_id, origin.state.name)
        group = outline.groups[TOP]
        if self.path:
            self._expect_possible(outline)
        kept: list[str] = []
        others = [step for step in group.steps if step.key != self.path]
        while fitting := [step for step in others if set(group.needs[step.key]) <= set(kept)]:
            for step in fitting:
                state, goes_on = ended.get(step.key), step.on_error is OnError.CONTINUE
                if state is StepState.COMPLETED or (state is StepState.FAILED and goes_on):
                    kept.append(step.key)
                others.remove(step)
        return kept

    def begun(self, origin: Execution, user_id: UUID, now: datetime, counts: Counts) -> Execution:
        """Return the new execution as it begins to run, for a person."""
        spec = ExecutionSpec(
            execution_id=self.execution_id,
            name=origin.name,
            workflow_id=origin.workflow_id,
            agent_id=origin.agent_id,
            definition=origin.definition,
            input=origin.input,
            timeout=origin.timeout,
            priority=origin.priority,
            trigger_depth=origin.trigger_depth,
        )
        step_inputs, has_output = origin.step_inputs, 0
        if self.given is not None:
            has_output = int(self.given.is_output)
            step_inputs = step_inputs if has_output else {**(step_inputs or {}), self.path: self.given.value}
        return replace(
            spec.begun(origin.account_id, user_id, now),
            parent_workflow_id=origin.parent_workflow_id,
            origin_execution_id=origin.execution_id,
            origin_path=self.path,
            step_inputs=step_inputs,
            steps_completed=counts.completed + has_output,
            steps_failed=counts.failed,
            sequence=counts.total + has_output,
        )

    def step(self, outline: Outline, now: datetime, sequence: int) -> StepExecution | None:
        """Return the step whose output is given, as it ended; None when it is run."""
        if self.given is None or not self.given.is_output:
            return None
        step = outline.steps[self.path]
        ended = StepExecution(self.path, step.key, step.type, StepState.COMPLETED, 1, now, now)
        return replace(ended, output=self.given.value, sequence=sequence)

    def _expect_possible(self, outline: Outline) -> None:
        step = outline.steps.get(self.path)
        if step is None or outline.home[step.key] != TOP:
            raise InvalidField(Violation("path", f"{self.path!r} is no step at the top of the execution"))
        if self.given is not None and not self.given.is_output and step.type not in TAKE_INPUTS:
            raise InvalidField(Violation("input", f"{self.path!r} is a {step.type.name}, which takes no inputs"))
