"""The engine of a process: it owns executions by leases, runs them, and claims what is due."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis import cancellation, faults, ids, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.execution.definitions import document
from services.execution.definitions.domain import Definition
from services.execution.definitions.outline import Outline
from services.execution.engine.plan import Plan
from services.execution.engine.queue import Queue
from services.execution.engine.run import LeaseLost, Means, Run
from services.execution.executions import operations
from services.execution.executions.domain import Execution, Failure, Lease, Owner, State, StepExecution
from services.execution.executions.store import lease_store
from services.execution.executions.store.rows import execution_of, step_of

LEASE = 6.0
"""Seconds after the last sign of an owner's life at which others may own its executions."""
SWEEP = 0.5
"""Seconds between looks for what is due, at most."""
RECOVERIES = 20
"""How often an execution may lose its owner without any progress between."""

FIRST_EPOCH = 1
"""That of the lease with which an execution is stored."""

_SIGNS = 3  # signs of life in one lease
_BATCH = 200  # executions claimed at once
_ORPHANED = 1.0  # seconds between looks for executions whose parent is over
_SOON = 0.01  # seconds between looks, at least
_RUNS = 5000  # executions owned at once; more are left to others, or for later

_AFTER_CLAIM = faults.Point("engine.after_claim", "Executions are owned, and nothing of them runs.")

_ASLEEP = faults.Point("engine.asleep", "An execution sleeps until its time, and is nobody's.")
_BEFORE_PARENT = faults.Point(
    "engine.before_parent", "An execution has ended, and the one that it is a step of has not been told."
)

_log = logs.get("engine")


@dataclass(slots=True)
class Engine:
    """Runs executions of all accounts. At most `limit` of an account run at a time; 0 for any number."""

    database: Database
    system: SystemDatabase
    means: Means
    limit: int = 0
    engine_id: UUID = field(default_factory=ids.new)
    runs: dict[UUID, tuple[Run, "asyncio.Task[None]"]] = field(default_factory=dict)
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    sure_until: float = 0.0
    """Until when the leases are certainly ours, by the monotonic clock."""
    queue: Queue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = Queue(self.database, self.system, self.limit, self.awake.set)

    @property
    def owner(self) -> Owner:
        """How executions are stored that this engine is to begin."""
        return Owner(Lease(self.engine_id, FIRST_EPOCH), LEASE, self.limit)

    def owns(self) -> bool:
        """Whether steps may begin."""
        return time.monotonic() < self.sure_until

    def take(self, execution: Execution, definition: Definition) -> None:
        """Begin an execution that was stored as owned by this engine. One that is not begun comes back by its lease.

        One that waits begins when the limits allow it, anywhere.
        """
        if execution.state is State.PENDING:
            self.queue.look()
        elif self.owns():
            self._begin(Run(execution, FIRST_EPOCH, self._plan(definition), self.means), [])

    def drop(self, execution_id: UUID) -> None:
        """End what runs of an execution that is not ours any more; without effect when nothing does."""
        self.queue.look_again()
        if execution_id in self.runs:
            self.runs[execution_id][1].cancel()

    async def run(self) -> None:
        """Claim, run and renew until cancelled."""
        self.sure_until = time.monotonic() + LEASE / 2
        try:
            async with self.group, asyncio.TaskGroup() as loops:
                loops.create_task(self.means.checkpoints.run())
                loops.create_task(self.means.journal.run())
                loops.create_task(self._renew())
                loops.create_task(self._end_orphans())
                loops.create_task(self.queue.run())
                await self._claim()
        finally:
            with suppress(*FAILURES):  # then their leases run out
                async with self.system.connection() as connection:
                    await lease_store.release(connection, self.engine_id)

    async def _claim(self) -> None:
        while True:
            cancellation.heed()
            seconds: float | None = SWEEP
            try:
                while await self._claim_batch() == _BATCH:
                    cancellation.heed()
                async with self.system.connection() as connection:
                    seconds = await lease_store.next_due(connection)
            except FAILURES as exc:
                _log.warning("claiming failed, trying again", error=repr(exc))
            self.awake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(SWEEP if seconds is None else seconds, _SOON), SWEEP)):
                    await self.awake.wait()

    async def _claim_batch(self) -> int:
        room = min(_BATCH, _RUNS - len(self.runs))
        if room <= 0 or not self.owns():
            return 0
        async with self.system.connection() as connection:
            rows = await lease_store.claim(connection, self.engine_id, LEASE, room)
            stored = await lease_store.steps_of(connection, [row["execution_id"] for row in rows]) if rows else []
        if not rows:
            return 0
        _AFTER_CLAIM.reach()
        steps: dict[UUID, list[StepExecution]] = {row["execution_id"]: [] for row in rows}
        for row in stored:
            steps[row["execution_id"]].append(step_of(row))
        for row in rows:
            await self._claimed(row, steps[row["execution_id"]])
        return len(rows)

    async def _claimed(self, row: dict[str, Any], steps: list[StepExecution]) -> None:
        execution = execution_of(row)
        if row["recoveries"] > RECOVERIES:
            failure = Failure("RECOVERY_ATTEMPTS_EXCEEDED", f"its owner died {RECOVERIES} times without any progress")
            await self._end(execution, row["lease_epoch"], State.FAILED, failure)
        else:
            definition = execution.definition or document.from_json(row["workflow_definition"])
            plan, rousals = self._plan(definition), row["rousals"]
            roused = rousals > row["rousals_seen"] or row["recoveries"] > 0  # whoever died may have known
            run = Run(execution, row["lease_epoch"], plan, self.means, rousals)
            self._begin(run, steps, roused=roused)

    def _plan(self, definition: Definition) -> Plan:
        return Plan(Outline(definition), datetime.now(UTC))

    def _begin(self, run: Run, steps: list[StepExecution], *, roused: bool = False) -> None:
        execution_id = run.execution.execution_id
        self.drop(execution_id)
        self.runs[execution_id] = run, self.group.create_task(self._run(run, steps, roused=roused))

    async def _run(self, run: Run, steps: list[StepExecution], *, roused: bool) -> None:
        execution_id = run.execution.execution_id
        remaining = (run.execution.deadline - datetime.now(UTC)).total_seconds()
        try:
            async with asyncio.timeout(max(remaining, 0)):
                await run.run(steps, roused=roused)
            if run.execution.end_time is None:
                _ASLEEP.reach()
            await self._tell_parent(run.execution)
        except* TimeoutError:  # steps turn theirs into failures
            await self._end(run.execution, run.epoch, State.TIMED_OUT, Failure("TIMED_OUT", "its time was up"))
        except* LeaseLost:
            _log.info("somebody else owns the execution", execution_id=str(execution_id))
        except* Exception:  # noqa: BLE001  # one execution's trouble must not end the work on all others; its lease brings it back
            _log.exception("running failed", execution_id=str(execution_id))
        finally:
            if execution_id in self.runs and self.runs[execution_id][0] is run:
                del self.runs[execution_id]
                self.means.journal.forget(execution_id)
            if run.execution.end_time is None:
                self.awake.set()  # it sleeps, perhaps for a moment only
            else:
                self.queue.look_again()

    async def _tell_parent(self, execution: Execution) -> None:
        """Rouse what an execution that has ended is a step of; if that fails, it looks by itself."""
        if execution.end_time is not None and execution.parent_execution_id is not None:
            _BEFORE_PARENT.reach()
            with suppress(*FAILURES):
                async with self.system.connection() as connection:
                    await lease_store.rouse(connection, execution.parent_execution_id)
            self.awake.set()

    async def _end_orphans(self) -> None:
        """Cancel executions whose parent has failed, or does not wait for them any more."""
        while True:
            cancellation.heed()
            with suppress(*FAILURES, DomainError):  # they are found again
                async with self.system.connection() as connection:
                    found = await lease_store.orphans(connection, _BATCH)
                for account_id, execution_id in found:
                    actor = Actor.of_service("execution", account_id)
                    await self.database.write(actor, operations.cancel_execution, execution_id=execution_id, etag="")
                    self.drop(execution_id)
            await asyncio.sleep(_ORPHANED)

    async def _end(self, execution: Execution, epoch: int, state: State, failure: Failure) -> None:
        """End an execution for a reason that is not in its plan."""
        actor = Actor.of_service("execution", execution.account_id)
        with suppress(DomainError):  # it is somebody else's, or the database does not answer: the lease brings it back
            await self.database.write(
                actor,
                operations.end_owned_execution,
                execution_id=execution.execution_id,
                epoch=epoch,
                state=state,
                failure=failure,
            )

    async def _renew(self) -> None:
        while True:
            cancellation.heed()
            asked = time.monotonic()
            epochs = {execution_id: run.epoch for execution_id, (run, _) in self.runs.items()}
            try:
                async with self.system.connection() as connection:
                    held = await lease_store.renew(connection, self.engine_id, epochs, LEASE) if epochs else {}
            except FAILURES as exc:
                _log.warning("leases are not renewed, trying again", error=repr(exc))
            else:
                self.sure_until = asked + LEASE
                self._heed(epochs, held)
            await asyncio.sleep(LEASE / _SIGNS)

    def _heed(self, asked: dict[UUID, int], held: dict[UUID, int]) -> None:
        """Drop what is not owned any more of what was asked for, and rouse what was roused."""
        for execution_id, epoch in asked.items():
            run, _ = self.runs.get(execution_id, (None, None))
            if run is None or run.epoch != epoch:
                continue
            if execution_id in held:
                run.rouse(held[execution_id])
            else:
                self.drop(execution_id)
