"""The plan of an execution, driven by any outcomes in any order, without a database."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution.definitions.domain import Definition, Type
from services.execution.definitions.outline import Outline
from services.execution.engine.plan import Plan
from services.execution.engine.scopes import Change, Task, prefix_of
from services.execution.executions.domain import Failure, StepExecution, StepState
from tests.support.definitions import definitions

LOOKING = (Type.APPROVAL, Type.WORKFLOW)
LEAVES = (Type.NOOP, Type.CODE, Type.API, *LOOKING)
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Running:
    """An execution whose steps end as a test says; `stored` is what a database would have."""

    definition: Definition
    stored: dict[str, StepExecution] = field(default_factory=dict)
    under_way: dict[str, Task] = field(default_factory=dict)
    now: datetime = BEGIN

    def __post_init__(self) -> None:
        self.outline = Outline(self.definition)
        self.plan = Plan(self.outline, self.now)
        self._follow(self.plan.restore([]))

    def end(self, task: Task, draw: st.DataObject) -> None:
        """Have a step end, sleep, or begin what is inside it."""
        self.now += timedelta(seconds=1)
        del self.under_way[task.path]
        self._follow(self.plan.apply(self._outcome(task, draw), self.now))

    def wake(self, path: str) -> None:
        """Have a step that sleeps go on: it has ended, or is run again."""
        self.now += timedelta(seconds=1)
        record = self.plan.open[path]
        if record.failure is not None or record.progress is not None:
            assert path not in self.under_way, f"{path} begins twice"
            self.under_way[path] = self.plan.due(path)
            return
        ended = replace(record, state=StepState.COMPLETED, wake_time=None, end_time=self.now)
        self._follow(self.plan.apply(ended, self.now))

    def again(self) -> set[str]:
        """Return the paths of the steps that are run again, of which what is stored still says that they sleep."""
        return {path for path in self.under_way if path in self.stored}

    def sleepers(self) -> list[str]:
        """Return the paths of the steps that sleep."""
        return sorted(path for _, path in self.plan.wake_times())

    def _outcome(self, task: Task, draw: st.DataObject) -> StepExecution:
        step = task.step
        record = StepExecution(task.path, step.key, step.type, StepState.COMPLETED, task.attempt, self.now)
        if draw.draw(st.integers(0, 5)) == 0:
            failure = Failure("TEST", "it was to fail")
            if task.attempt <= step.retry_count:
                return replace(record, state=StepState.WAITING, failure=failure, wake_time=self.now)
            return replace(record, state=StepState.FAILED, failure=failure, end_time=self.now)
        if step.type is Type.WAIT:
            return replace(record, state=StepState.WAITING, wake_time=self.now)
        if step.type in LOOKING and draw.draw(st.booleans()):
            looked = (task.progress or {"looked": 0})["looked"] + 1
            return replace(record, state=StepState.WAITING, wake_time=self.now, progress={"looked": looked})
        if step.type in LEAVES:
            return replace(record, output=task.path, end_time=self.now)
        decided = {Type.LOOP: st.lists(st.integers(0, 9), max_size=3), Type.CONDITION: st.booleans()}
        progress = draw.draw(decided[step.type]) if step.type in decided else None
        return replace(record, state=StepState.RUNNING, progress=progress)

    def _follow(self, change: Change) -> None:
        for record in change.records:
            before = self.stored.get(record.path)
            assert before is None or before.end_time is None, f"{record.path} had ended"
            self.stored[record.path] = record
        for task in change.tasks:
            assert task.path not in self.stored, f"{task.path} begins again"
            assert task.path not in self.under_way, f"{task.path} begins twice"
            self._what_it_needs_has_ended(task)
            self.under_way[task.path] = task

    def _what_it_needs_has_ended(self, task: Task) -> None:
        group = self.outline.groups[self.outline.home[task.step.key]]
        for key in group.needs[task.step.key]:
            assert self.stored[prefix_of(task.path) + key].end_time is not None


def _has_not_ended(running: Running, path: str) -> bool:
    known = running.stored.get(path)
    return known is None or known.end_time is None


@pytest.mark.invariant("I13")
@settings(max_examples=60)
@given(definitions(), st.data())
def test_plan_restored_at_any_moment_goes_on_as_the_one_before(definition: Definition, draw: st.DataObject) -> None:
    """Whoever takes over begins exactly what had not ended, and nothing that had; in the end all has ended."""
    running = Running(definition)
    while running.plan.outcome is None:
        restored = Plan(running.outline, running.now)
        change = restored.restore(running.stored.values())
        begun = {task.path for task in change.tasks}
        assert all(_has_not_ended(running, record.path) for record in change.records)
        assert all(_has_not_ended(running, path) for path in begun)
        # What was under way beside a failure is not begun again.
        if not any(record.state is StepState.FAILED for record in running.stored.values()):
            assert change.records == []
            again = running.again()
            assert begun == running.under_way.keys() - again
            assert restored.open == running.plan.open | {path: running.stored[path] for path in again}
            assert restored.outcome is None
        choices = sorted(running.under_way) + running.sleepers()
        assert choices, "nothing runs, nothing sleeps, and it has not ended"
        chosen = draw.draw(st.sampled_from(choices))
        if chosen in running.under_way:
            running.end(running.under_way[chosen], draw)
        else:
            running.wake(chosen)
    assert not running.under_way
    assert all(record.end_time is not None for record in running.stored.values())


@settings(max_examples=30)
@given(definitions(), st.data())
def test_plan_without_a_failure_completes_with_the_output_of_its_last_step(
    definition: Definition, draw: st.DataObject
) -> None:
    """A failure that is not to be continued after is an outcome; without one there is none."""
    running = Running(definition)
    while running.plan.outcome is None:
        for task in list(running.under_way.values()):
            if task.path in running.under_way:
                running.end(task, draw)
        for path in running.sleepers():
            if path in running.plan.open:
                running.wake(path)
    outcome = running.plan.outcome
    failed = [record for record in running.stored.values() if record.state is StepState.FAILED]
    if not failed:
        assert outcome.failure is None
    if outcome.failure is not None:
        assert running.stored[outcome.failure.path].state is StepState.FAILED
    else:
        assert outcome.output == running.stored[running.outline.groups["", ""].last].output
