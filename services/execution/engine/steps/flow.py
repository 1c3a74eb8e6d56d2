"""Steps that decide what runs when: CONDITION, LOOP, PARALLEL and WAIT; and those that do nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.execution.engine.steps import values
from services.execution.engine.steps.port import Attempt, Ended, Opened, Result, Sleeping, StepFailed
from services.execution.expressions import Evaluation
from services.execution.filters import FilterFailed

ITEMS = 10_000
"""Turns that a loop may have."""


class Noop:
    """Does nothing."""

    async def run(self, _attempt: Attempt) -> Result:
        """End."""
        return Ended()


@dataclass(frozen=True, slots=True)
class Data:
    """Makes a value: its inputs are its output, or what a filter makes of them."""

    evaluation: Evaluation

    async def run(self, attempt: Attempt) -> Result:
        """End with the value."""
        if not attempt.step.jq:
            return Ended(dict(attempt.inputs))
        try:
            made = await self.evaluation.of(attempt.account_id).filters.run(attempt.step.jq, dict(attempt.inputs))
        except FilterFailed as exc:
            raise StepFailed("FILTER_FAILED", str(exc)) from exc
        return Ended(values.storable(made))


class Parallel:
    """Has the steps inside run at once."""

    async def run(self, _attempt: Attempt) -> Result:
        """Begin them."""
        return Opened()


@dataclass(frozen=True, slots=True)
class Condition:
    """Decides which steps run."""

    evaluation: Evaluation

    async def run(self, attempt: Attempt) -> Result:
        """Decide."""
        decision = await values.of_expression(self.evaluation, attempt)
        if not isinstance(decision, bool):
            raise StepFailed("EXPRESSION_FAILED", f"the condition is neither true nor false: {values.short(decision)}")
        return Opened(decision)


@dataclass(frozen=True, slots=True)
class Loop:
    """Runs steps for each item of a list."""

    evaluation: Evaluation

    async def run(self, attempt: Attempt) -> Result:
        """Fix the items."""
        items = await values.of_expression(self.evaluation, attempt)
        if not isinstance(items, list):
            raise StepFailed("EXPRESSION_FAILED", f"the items are no list: {values.short(items)}")
        if len(items) > ITEMS:
            raise StepFailed("TOO_MANY_ITEMS", f"there are {len(items)} items; a loop takes {ITEMS}")
        return Opened(items)


class Wait:
    """Sleeps."""

    async def run(self, attempt: Attempt) -> Result:
        """Fix when it ends."""
        step, now = attempt.step, datetime.now(UTC)
        return Sleeping(step.time or now + timedelta(seconds=step.duration or 0))
