"""The plan of one execution: which steps begin now, given what came of those before. No I/O, no clock.

It is made of a definition and of the records of steps, and is the same whoever makes it: `restore` from what is stored
gives what `apply` had come to, one record after the other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.execution.definitions.domain import OnError, Step, Type
from services.execution.definitions.outline import TOP, Outline
from services.execution.engine.scopes import Change, Loop, Outcome, Scope, Task, prefix_of, turn_prefix
from services.execution.executions.domain import Failure, StepExecution, StepState

Known = Mapping[str, Mapping[str, StepExecution]]
"""Stored records by their prefix and key."""


@dataclass(slots=True)
class Plan:
    """Where an execution is: `outcome` is None until it is over.

    `open` are the records of steps that sleep, or have steps inside; a step that has begun and is in none of them is
    under way. `scopes` are the groups that run, by the prefix of the paths in them.
    """

    outline: Outline
    now: datetime
    outcome: Outcome | None = None
    open: dict[str, StepExecution] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    loops: dict[str, Loop] = field(default_factory=dict)

    def restore(self, stored: Iterable[StepExecution]) -> Change:
        """Go on from what is stored; from nothing, begin."""
        known: dict[str, dict[str, StepExecution]] = {}
        for record in stored:
            known.setdefault(prefix_of(record.path), {})[record.key] = record
        change = Change()
        self._begin(Scope(self.outline.groups[TOP], ""), known, change)
        return change

    def apply(self, record: StepExecution, now: datetime) -> Change:
        """Take note of what became of a step that had begun."""
        self.now = now
        change = Change([record])
        self._take(record, change)
        return change

    def due(self, path: str) -> Task:
        """Return a step that slept as one to begin again, or to go on. KeyError when it does not sleep any more."""
        record = self.open.pop(path)
        attempt = record.attempt + (record.failure is not None)
        return Task(path, self.outline.steps[record.key], attempt, record.start_time, record.progress)

    def wake_times(self) -> Iterable[tuple[datetime, str]]:
        """Yield when which step goes on."""
        return ((record.wake_time, path) for path, record in self.open.items() if record.wake_time is not None)

    def looking(self) -> list[StepExecution]:
        """Return the steps that sleep until something has happened, and look for it when they are woken."""
        return [record for record in self.open.values() if record.wake_time is not None and record.progress is not None]

    def variables(self, path: str) -> dict[str, Any]:
        """Return what the expressions of a step see, beside the execution's inputs."""
        scope = self.scopes[prefix_of(path)]
        seen: dict[str, Any] = {}
        steps = scope.seen()
        while scope.owner:
            if scope.owner in self.loops and not seen:
                seen = {"item": scope.item, "index": scope.index}
            scope = self.scopes[prefix_of(scope.owner)]
            steps = scope.seen() | steps
        return seen | {"steps": steps}

    def _begin(self, scope: Scope, known: Known, change: Change) -> None:
        """Begin a group, or go on with it where records are known."""
        self.scopes[scope.prefix] = scope
        opened = []
        for record in known.get(scope.prefix, {}).values():
            if record.key not in scope.group.needs:
                continue  # of the branch of a condition that was not taken
            scope.begun.add(record.key)
            if record.end_time is not None:
                self._note_end(scope, record)
                continue
            self.open[record.path] = record
            if record.state is StepState.RUNNING:
                opened.append(record)
        for record in opened:
            self._open(record, known, change)
        self._advance(scope, change)

    def _take(self, record: StepExecution, change: Change) -> None:
        scope = self.scopes[prefix_of(record.path)]
        if record.end_time is not None:
            self._note_end(scope, record)
            self._advance(scope, change)
            return
        self.open[record.path] = record
        if record.state is StepState.RUNNING:
            self._open(record, {}, change)
        if scope.failure is not None:
            self._advance(scope, change)

    def _note_end(self, scope: Scope, record: StepExecution) -> None:
        self.open.pop(record.path, None)
        scope.begun.add(record.key)
        scope.ended[record.key] = record
        goes_on = self.outline.steps[record.key].on_error is OnError.CONTINUE
        if record.state is StepState.FAILED and record.failure is not None and not goes_on and scope.failure is None:
            scope.failure = replace(record.failure, path=record.failure.path or record.path)

    def _advance(self, scope: Scope, change: Change) -> None:
        """Begin what can begin, after a failure nothing more; and close the group when all in it has ended."""
        if scope.failure is not None:
            self._abandon(scope, change)
        else:
            for step in scope.ready():
                scope.begun.add(step.key)
                change.tasks.append(Task(scope.prefix + step.key, step))
        if len(scope.ended) == len(scope.group.steps) and self.scopes.pop(scope.prefix, None) is not None:
            self._close(scope, change)

    def _abandon(self, scope: Scope, change: Change) -> None:
        """Let nothing more begin in a group, nor in what is inside it; what sleeps there does not wake."""
        for step in scope.group.steps:
            path = scope.prefix + step.key
            record = self.open.get(path)
            if step.key not in scope.begun:
                self._end_early(scope, self._skipped(path, step), change)
            elif record is not None and record.state is StepState.WAITING:
                cut = replace(record, state=StepState.CANCELLED, end_time=self.now, wake_time=None)
                self._end_early(scope, cut, change)
            elif record is not None:
                if path in self.loops:
                    self.loops[path].failure = self.loops[path].failure or scope.failure
                    self.loops[path].abandoned = True
                self._abandon_inside(path, scope.failure, change)

    def _abandon_inside(self, owner: str, failure: Failure | None, change: Change) -> None:
        for inner in [each for each in self.scopes.values() if each.owner == owner and each.failure is None]:
            inner.abandoned = True
            inner.failure = failure
            self._advance(inner, change)

    def _end_early(self, scope: Scope, record: StepExecution, change: Change) -> None:
        change.records.append(record)
        self._note_end(scope, record)

    def _skipped(self, path: str, step: Step) -> StepExecution:
        return StepExecution(path, step.key, step.type, StepState.SKIPPED, 0, self.now, self.now)

    def _open(self, owner: StepExecution, known: Known, change: Change) -> None:
        """Begin what is inside a step, or go on with it."""
        if owner.type is Type.LOOP:
            self.loops[owner.path] = Loop.over(owner.progress, owner.path, known.keys())
            self._turn(owner, known, change)
            return
        prefix, taken = f"{owner.path}/", "steps"
        if owner.type is Type.CONDITION:
            taken, other = ("then", "otherwise") if owner.progress else ("otherwise", "then")
            for step in self.outline.groups[owner.key, other].steps:
                if step.key not in known.get(prefix, {}):
                    change.records.append(self._skipped(prefix + step.key, step))
        self._begin(Scope(self.outline.groups[owner.key, taken], prefix, owner.path), known, change)

    def _turn(self, owner: StepExecution, known: Known, change: Change) -> None:
        """Begin as many turns of a loop as may run at once; end the loop when there are no more."""
        loop = self.loops[owner.path]
        if loop.turning:
            return  # a turn that was over at once; whoever began it goes on with the next
        loop.turning = True
        concurrency = self.outline.steps[owner.key].concurrency
        group = self.outline.groups[owner.key, "steps"]
        while (index := loop.next(concurrency)) is not None:
            scope = Scope(group, turn_prefix(owner.path, index), owner.path, index, loop.items[index])
            scope.failure, scope.abandoned = loop.failure, loop.failure is not None
            self._begin(scope, known, change)
        loop.turning = False
        if not loop.running:
            self._finish(owner, Outcome(loop.outputs, loop.failure), change, abandoned=loop.abandoned)

    def _close(self, scope: Scope, change: Change) -> None:
        """Let a group be over, of which nothing runs any more."""
        if not scope.owner:
            self.outcome = Outcome(failure=scope.failure) if scope.failure else Outcome(scope.output)
            return
        owner = self.open[scope.owner]
        if owner.type is Type.LOOP:
            self._close_turn(owner, scope, change)
        else:
            outputs = {key: record.output for key, record in scope.ended.items()}
            output = owner.progress if owner.type is Type.CONDITION else outputs
            self._finish(owner, Outcome(output, scope.failure), change, abandoned=scope.abandoned)

    def _close_turn(self, owner: StepExecution, scope: Scope, change: Change) -> None:
        loop = self.loops[owner.path]
        loop.note(scope)
        if scope.failure is not None:
            turning, loop.turning = loop.turning, True
            self._abandon_inside(owner.path, scope.failure, change)
            loop.turning = turning
        self._turn(owner, {}, change)

    def _finish(self, owner: StepExecution, outcome: Outcome, change: Change, *, abandoned: bool) -> None:
        """End a step of which everything inside has ended."""
        self.loops.pop(owner.path, None)
        state = StepState.FAILED if outcome.failure else StepState.COMPLETED
        ended = replace(
            owner,
            state=StepState.CANCELLED if abandoned else state,
            output=outcome.output if outcome.failure is None else None,
            failure=outcome.failure,
            progress=None,
            end_time=self.now,
        )
        change.records.append(ended)
        self._take(ended, change)
