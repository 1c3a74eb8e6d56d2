"""One execution as its owner runs it: the plan says what begins, step types do it, checkpoints make it last."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis import faults, logs
from chassis.changes import PendingChange
from services.execution.definitions.domain import OnError, Type
from services.execution.engine.checkpoints import Checkpoints
from services.execution.engine.journal import Journal, StepLog
from services.execution.engine.plan import Plan
from services.execution.engine.scopes import Change, Outcome, Task
from services.execution.engine.steps import values
from services.execution.engine.steps.port import Attempt, Ended, Looking, Opened, Result, Sleeping, StepFailed, StepType
from services.execution.executions.domain import Execution, Failure, State, StepExecution, StepState
from services.execution.executions.fitting import failure_of
from services.execution.executions.store.lease_store import Checkpoint
from services.execution.expressions import Evaluation, Expressions
from services.execution.logs.domain import Level

TIMEOUT = 30.0
"""Seconds that a step may take unless it says otherwise."""
LONGEST_DELAY = 300.0
"""Seconds between two attempts, at most."""
FAR = 86400.0 * 20
"""Seconds that an alarm can be set ahead."""
OUTPUT = 256 * 1024
"""Bytes of one step's output as JSON."""
OUTPUTS = 16 * 1024 * 1024
"""Bytes of all outputs of an execution together, which its owner has in memory."""

_LONGER = {Type.LLM: 300.0}
"""Seconds that steps of a type may take instead."""
_PATIENT = frozenset({Type.APPROVAL, Type.WORKFLOW, Type.CODE, Type.AGENT})
"""Types whose time is kept elsewhere: they wait as long as the database or a runner does not answer."""

_AFTER_PLAN = faults.Point("run.after_plan", "It is known what begins now, and nothing has.")
_BEFORE_STEP = faults.Point("run.before_step", "A step is to be run; if it ran before, nothing says so.")
_AFTER_STEP = faults.Point("run.after_step", "A step did what it does, and nothing says so.")

_log = logs.get("run")


class LeaseLost(Exception):
    """Somebody else owns the execution, or may."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all runs of an engine share. `owned` says whether it can still be sure of its leases."""

    types: Mapping[Type, StepType]
    evaluation: Evaluation
    checkpoints: Checkpoints
    journal: Journal
    owned: Callable[[], bool]
    change_of: Callable[[Execution, Execution], PendingChange]
    """How the end of an execution is recorded, before and after."""


@dataclass(slots=True)
class Run:
    """Runs one execution, from where it is, until it ends or nothing is to be done until later.

    `rousals` is how often it was roused, as far as is known here.
    """

    execution: Execution
    epoch: int
    plan: Plan
    means: Means
    rousals: int = 0
    busy: int = 0
    output_bytes: int = 0
    group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    alarms: list[asyncio.TimerHandle] = field(default_factory=list)

    async def run(self, stored: list[StepExecution], *, roused: bool) -> None:
        """Run it. An exception group with LeaseLost when it is somebody else's by now.

        What waits for something looks for it at its time, or at once if it was `roused`.
        """
        self.output_bytes = sum(_size(record.output) for record in stored)
        try:
            async with self.group:
                change = await self._restored(stored)
                _AFTER_PLAN.reach()
                now = datetime.now(UTC)
                looking = self.plan.looking() if roused else []
                for wake_time, path in sorted(self.plan.wake_times()):
                    record = self.plan.open[path]
                    if wake_time <= now or record in looking:
                        self._wake(path, now, change)
                    else:
                        self._set_alarm(record, wake_time)
                await self._settle(change)
        finally:
            for alarm in self.alarms:
                alarm.cancel()

    async def _restored(self, stored: list[StepExecution]) -> Change:
        """Go on from what is stored. An execution whose input does not fit is over before anything begins."""
        if not stored:
            definition = self.plan.outline.definition
            failure = await failure_of(definition, self.execution.input, self._expressions)
            if failure is not None:
                self.plan.outcome = Outcome(failure=failure)
                return Change()
        return self.plan.restore(stored)

    def rouse(self, rousals: int) -> None:
        """Have its steps that wait for something look for it, if it was roused since."""
        if rousals > self.rousals:
            self.rousals = rousals
            for record in self.plan.looking():
                self._ring(record)

    def _set_alarm(self, record: StepExecution, wake_time: datetime) -> None:
        """Go on with a step at its time if something else is under way then; if not, it is claimed at its time."""
        seconds = (wake_time - datetime.now(UTC)).total_seconds()
        if seconds < FAR:
            self.alarms.append(asyncio.get_running_loop().call_later(seconds, self._ring, record))

    def _ring(self, record: StepExecution) -> None:
        if self.busy:
            self.busy += 1
            self.group.create_task(self._rise(record))

    async def _rise(self, record: StepExecution) -> None:
        change = Change()
        if self.plan.open.get(record.path) is record:  # else it has gone on meanwhile
            self._wake(record.path, datetime.now(UTC), change)
        await self._settle(change, ended=1)

    def _wake(self, path: str, now: datetime, change: Change) -> None:
        """Go on with a step that slept: it has ended, it is tried again, or it looks again."""
        record = self.plan.open.get(path)
        if record is None:  # what contained it has failed meanwhile
            return
        if record.failure is not None or record.progress is not None:
            change.tasks.append(self.plan.due(path))
            return
        ended = replace(record, state=StepState.COMPLETED, end_time=now, wake_time=None)
        further = self.plan.apply(ended, now)
        change.records += further.records
        change.tasks += further.tasks

    async def _settle(self, change: Change, *, ended: int = 0) -> None:
        """Store what follows from something; only then begin what begins. `ended` tasks are over."""
        self.busy += len(change.tasks) - ended
        if change.records or not self.busy:
            checkpoint = self._checkpoint(change.records)
            if not await self.means.checkpoints.write(checkpoint):
                raise LeaseLost
        for task in change.tasks:
            self.group.create_task(self._step(task))
        for record in change.records if self.busy else ():
            if record.wake_time is not None:
                self._set_alarm(record, record.wake_time)

    def _checkpoint(self, records: list[StepExecution]) -> Checkpoint:
        steps = {}
        execution = self.execution
        completed, failed, sequence = execution.steps_completed, execution.steps_failed, execution.sequence
        for record in records:
            sequence += 1
            completed += record.state is StepState.COMPLETED
            failed += record.state is StepState.FAILED
            steps[record.path] = replace(record, sequence=sequence)
        self.execution = replace(execution, steps_completed=completed, steps_failed=failed, sequence=sequence)
        checkpoint = Checkpoint(self.execution, self.epoch, steps, rousals=self.rousals)
        if self.plan.outcome is not None:
            self._end(checkpoint)
        elif not self.busy:
            checkpoint.wake_time = min((self.execution.deadline, *(time for time, _ in self.plan.wake_times())))
        return checkpoint

    def _end(self, checkpoint: Checkpoint) -> None:
        outcome, before = self.plan.outcome, self.execution
        if outcome is None:
            return
        state = State.FAILED if outcome.failure else State.COMPLETED
        self.execution = before.end(datetime.now(UTC), state, output=outcome.output, failure=outcome.failure)
        checkpoint.execution = self.execution
        checkpoint.change = self.means.change_of(before, self.execution)

    async def _step(self, task: Task) -> None:
        if not self.means.owned():
            raise LeaseLost
        start_time = task.start_time or datetime.now(UTC)
        log = StepLog(self.means.journal, self.execution.execution_id, self.epoch, task.path, task.attempt)
        try:
            record = self._record(task, start_time, await self._looked(task, log))
        except StepFailed as exc:
            record = _failed(task, start_time, Failure(exc.reason, exc.message))
            log.say(Level.ERROR if record.end_time else Level.WARNING, f"{exc.reason}: {exc.message}")
            await log.written()
        await self._settle(self.plan.apply(record, datetime.now(UTC)), ended=1)

    async def _looked(self, task: Task, log: StepLog) -> Result:
        while True:
            known = self.rousals
            _BEFORE_STEP.reach()
            result = await self._result(task, log)
            _AFTER_STEP.reach()
            await log.written()
            if not isinstance(result, Looking) or known == self.rousals:
                return result  # else what it waits for may have happened behind its back

    async def _result(self, task: Task, log: StepLog) -> Result:
        step = task.step
        seconds = step.timeout or _LONGER.get(step.type, TIMEOUT)
        try:
            async with asyncio.timeout(None if step.type in _PATIENT else seconds):
                attempt = await self._attempt(task, log)
                return await self.means.types[step.type].run(attempt)
        except TimeoutError as exc:
            raise StepFailed("TIMED_OUT", f"it took more than {seconds:g} s") from exc
        except StepFailed:
            raise
        except Exception as exc:
            _log.exception("a step failed", execution_id=str(self.execution.execution_id), path=task.path)
            raise StepFailed("INTERNAL", "a fault of the server; its log says more") from exc

    @property
    def _expressions(self) -> Expressions:
        return self.means.evaluation.of(self.execution.account_id)

    async def _attempt(self, task: Task, log: StepLog) -> Attempt:
        step, execution = task.step, self.execution
        ids = (execution.account_id, execution.execution_id)
        if task.progress is not None:
            return Attempt(*ids, task.path, step, task.attempt, {}, {}, log, task.progress)
        if execution.step_inputs is not None and task.path in execution.step_inputs:
            return Attempt(*ids, task.path, step, task.attempt, execution.step_inputs[task.path], {}, log)
        variables: dict[str, Any] = {}
        if step.expression or step.inputs:
            variables = self.plan.variables(task.path) | {"inputs": execution.input}
        inputs = await values.of_inputs(self._expressions, step, variables)
        return Attempt(*ids, task.path, step, task.attempt, inputs, variables, log)

    def _record(self, task: Task, start_time: datetime, result: Result) -> StepExecution:
        fresh = StepExecution(task.path, task.step.key, task.step.type, StepState.RUNNING, task.attempt, start_time)
        if isinstance(result, Sleeping):
            return replace(fresh, state=StepState.WAITING, wake_time=result.until)
        if isinstance(result, Looking):
            return replace(fresh, state=StepState.WAITING, wake_time=result.until, progress=result.progress)
        size = _size(result.progress if isinstance(result, Opened) else result.output)
        self.output_bytes += size
        if self.output_bytes > OUTPUTS or (isinstance(result, Ended) and size > OUTPUT):
            raise StepFailed("OUTPUT_TOO_LARGE", f"{size} bytes are too much: {OUTPUT} of one step, {OUTPUTS} of all")
        if isinstance(result, Opened):
            return replace(fresh, progress=result.progress)
        return replace(fresh, state=StepState.COMPLETED, output=result.output, end_time=datetime.now(UTC))


def _failed(task: Task, start_time: datetime, failure: Failure) -> StepExecution:
    """Return a step that failed, to be tried again or not."""
    step, now = task.step, datetime.now(UTC)
    record = StepExecution(task.path, step.key, step.type, StepState.FAILED, task.attempt, start_time, failure=failure)
    if step.on_error is OnError.RETRY and task.attempt <= step.retry_count:
        longest = min(step.retry_delay * 2 ** (task.attempt - 1), LONGEST_DELAY)
        delay = timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311  # jitter, not a secret
        return replace(record, state=StepState.WAITING, wake_time=now + delay)
    return replace(record, end_time=now)


def _size(value: Any) -> int:
    return 0 if value is None else len(json.dumps(value))
