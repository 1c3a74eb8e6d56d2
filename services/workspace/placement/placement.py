"""Runners of workspaces: one live runner each, remembered as a row, started where the port says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1 import runner_service_pb2 as runner_pb

from chassis import faults, ids
from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import Database, Transaction
from chassis.errors import DomainError, ServiceUnavailable, Unavailable
from services.workspace.placement import store
from services.workspace.placement.handles import Handles, RunnerHandle
from services.workspace.placement.port import Runners, Tell, Vacancy, to_nobody
from services.workspace.placement.store import Purpose, RunnerRow

START_DEADLINE = 10.0
"""Seconds a runner has to come up."""
STOP_GRACE = 5_000
"""Milliseconds between TERM and KILL when a runner is stopped."""

_STOP_DEADLINE = 15.0  # seconds for a runner to end everything
_LOOK_AGAIN = 0.05  # seconds between looks at a room that another process is about to use, or that a runner leaves
_NOTES = 4  # how often the use of a runner is noted in the time after which it is looked at
_IN_USE = "RUNNER_IN_USE"
_AFTER_HOLD = faults.Point("placement.after_hold", "A room is held for a new runner, which nobody remembers.")
_AFTER_ROW = faults.Point("placement.after_row", "A runner is remembered, and no process of it was started.")


@dataclass(slots=True)
class Placement:
    """Keeps one live runner for each workspace that needs one, together with every other process that does so.

    `admit` locks a workspace for the transaction and raises what forbids it a runner: so none starts behind a deletion.
    It is told for what the runner is wanted and says for what it may be. One for a save is used for nothing else: what
    anybody did there would be missing in the save. A runner that nobody has needed for `idle_seconds` is looked at, and
    ended if its room is idle; 0 for never.
    """

    database: Database
    runners: Runners
    admit: Callable[[Transaction, UUID, Purpose], Awaitable[Purpose]]
    idle_seconds: float = 0.0
    handles: Handles = field(default_factory=Handles)
    # A lock is there while somebody holds it or waits for it.
    _locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ensure(self, actor: Actor, workspace_id: UUID, tell: Tell = to_nobody) -> RunnerHandle:
        """Return the workspace's live runner; start one when there is none, and tell how far that is.

        Raises:
            Unavailable: it does not come up, or the one before it does not end.
        """
        async with self._alone(workspace_id):
            found = await self._find(actor, workspace_id, self.runners.holder, tell)
            if found is not None and found.purpose is Purpose.SAVE:
                await self._end(actor, found, "the workspace is in use again")
            runner = await self._ensure(actor, workspace_id, Purpose.WORKSPACE, tell)
        await self._note_use(actor, runner)
        return runner

    async def find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        """Return the workspace's live runner, or None. One that lives for a save alone is none."""
        async with self._alone(workspace_id):
            found = await self._find(actor, workspace_id, self.runners.serving, to_nobody)
            return None if found is None or found.purpose is Purpose.SAVE else found

    @asynccontextmanager
    async def for_save(self, actor: Actor, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give a live runner that can save the room; one that lives for that alone ends with the block.

        Raises:
            Unavailable: as for `ensure`.
        """
        async with self._alone(workspace_id):
            runner = await self._ensure(actor, workspace_id, Purpose.SAVE, to_nobody)
        try:
            yield runner
        finally:
            if runner.purpose is Purpose.SAVE:
                await self._end(actor, runner, "saved")

    @asynccontextmanager
    async def kept(self, runner_id: UUID, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give the way to a live runner of this machine; meanwhile everybody here who asks for it waits."""
        async with self._alone(workspace_id):
            yield await self._handle(RunnerRow(runner_id), workspace_id, to_nobody)

    async def stop(self, actor: Actor, runner: RunnerHandle, *, reason: str, patient: bool = True) -> None:
        """End a runner and all that runs in it; its records stay on disk.

        Who is not `patient` takes one that does not answer at once for dead, and raises ServiceUnavailable.
        """
        request = runner_pb.ShutdownRequest(grace_milliseconds=STOP_GRACE, reason=reason)
        peer = replace(runner.peer, patient=patient)
        await peer.call(runner.stub.Shutdown, request, timeout=_STOP_DEADLINE)
        await self._clear(actor, runner.runner_id, runner.workspace_id)

    async def suspend(self, actor: Actor, runner_id: UUID, workspace_id: UUID) -> bool:
        """End a runner in whose room nothing goes on. Returns whether it is gone."""
        async with self._alone(workspace_id):
            found = await self._find(actor, workspace_id, self.runners.serving, to_nobody)
            if found is not None and found.runner_id == runner_id:
                request = runner_pb.ShutdownRequest(reason="idle", unless_in_use=True)
                try:
                    await found.peer.call(found.stub.Shutdown, request, timeout=_STOP_DEADLINE)
                except DomainError as exc:
                    if exc.reason != _IN_USE:
                        raise
                    return False
            elif await self.runners.holder(workspace_id) == runner_id:
                return False  # it is starting
            await self._clear(actor, runner_id, workspace_id)
        return True

    async def give_up(self, actor: Actor, workspace_id: UUID) -> None:
        """Remove a runner that nobody can call, such as one that has not come up. One for a save stays."""
        async with self._alone(workspace_id):
            row = await self.database.read(actor, store.find_live_runner, workspace_id=workspace_id)
            if row is not None and row.purpose is not Purpose.SAVE:
                await self._clear(actor, row.runner_id, workspace_id)

    async def _end(self, actor: Actor, runner: RunnerHandle, reason: str) -> None:
        """Stop a runner that lives for a save, unless another process does, or it died. Raises ServiceUnavailable."""
        give_up_time = time.monotonic() + START_DEADLINE
        while await self.runners.holder(runner.workspace_id) == runner.runner_id:
            try:
                await self.stop(actor, runner, reason=reason, patient=False)
            except Unavailable:
                if time.monotonic() > give_up_time:
                    raise
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                return

    def _alone(self, workspace_id: UUID) -> asyncio.Lock:
        """Return what keeps everybody else here from a workspace's runner."""
        return self._locks.setdefault(workspace_id, asyncio.Lock())

    async def _clear(self, actor: Actor, runner_id: UUID, workspace_id: UUID) -> None:
        await self.runners.discard(runner_id, workspace_id)
        await self.database.write(actor, store.end_runner, runner_id=runner_id)
        await self.handles.forget(workspace_id, runner_id)  # another may live there by now

    async def _ensure(self, actor: Actor, workspace_id: UUID, wanted: Purpose, tell: Tell) -> RunnerHandle:
        give_up_time = time.monotonic() + self.runners.patience
        while (found := await self._find(actor, workspace_id, self.runners.holder, tell)) is None:
            row = RunnerRow(ids.new(), purpose=wanted)
            async with self.runners.vacant(row.runner_id, workspace_id, actor.account_id) as vacancy:
                if vacancy is not None:
                    return await self._start(actor, row, workspace_id, vacancy, tell)
            if time.monotonic() > give_up_time:
                raise ServiceUnavailable(service="runner")
            await asyncio.sleep(_LOOK_AGAIN)
        return found

    async def _start(
        self, actor: Actor, wanted: RunnerRow, workspace_id: UUID, vacancy: Vacancy, tell: Tell
    ) -> RunnerHandle:
        """Remember a runner, then start it: should we die in between, the room is empty and the row says nothing."""
        _AFTER_HOLD.reach()
        row = await self.database.write(
            actor, self._remember, wanted=wanted, workspace_id=workspace_id, vacancy=vacancy
        )
        _AFTER_ROW.reach()
        await vacancy.start(tell)
        return await self._meet(row, workspace_id, tell)

    async def _remember(self, tx: Transaction, *, wanted: RunnerRow, workspace_id: UUID, vacancy: Vacancy) -> RunnerRow:
        purpose = await self.admit(tx, workspace_id, wanted.purpose)
        row = replace(wanted, certificate=vacancy.certificate, purpose=purpose)
        is_looked_at = self.idle_seconds > 0 and purpose is not Purpose.SAVE
        look_time = tx.now + timedelta(seconds=self.idle_seconds) if is_looked_at else None
        await store.replace_runner(tx, row, workspace_id=workspace_id, address=vacancy.address, look_time=look_time)
        return row

    async def _note_use(self, actor: Actor, runner: RunnerHandle) -> None:
        """Put off the look at a runner, now and then."""
        if self.idle_seconds and time.monotonic() - runner.use_noted > self.idle_seconds / _NOTES:
            runner.use_noted = time.monotonic()
            look_time = datetime.now(UTC) + timedelta(seconds=self.idle_seconds)
            await self.database.write(actor, store.note_use, runner_id=runner.runner_id, look_time=look_time)

    async def _find(
        self, actor: Actor, workspace_id: UUID, present: Callable[[UUID], Awaitable[UUID | None]], tell: Tell
    ) -> RunnerHandle | None:
        """Return the runner that is remembered, if it is the one that is present."""
        row = await self.database.read(actor, store.find_live_runner, workspace_id=workspace_id)
        if row is None or await present(workspace_id) != row.runner_id:
            await self.handles.forget(workspace_id)
            return None
        return self.handles.find(workspace_id, row.runner_id) or await self._meet(row, workspace_id, tell)

    async def _meet(self, row: RunnerRow, workspace_id: UUID, tell: Tell) -> RunnerHandle:
        """Wait until a runner serves that was started a moment ago, maybe by another process."""
        handle = await self._handle(row, workspace_id, tell)
        try:
            async with beside(self.runners.until_ended(row.runner_id, workspace_id)):
                await handle.peer.call(handle.stub.GetStatus, runner_pb.GetStatusRequest(), timeout=START_DEADLINE)
        except DomainError:
            await self.handles.forget(workspace_id)
            raise
        return handle

    async def _handle(self, row: RunnerRow, workspace_id: UUID, tell: Tell) -> RunnerHandle:
        known = self.handles.find(workspace_id, row.runner_id)
        if known is not None:
            return known  # somebody may be calling it: a closed channel would cancel that
        address = await self.runners.address(row.runner_id, workspace_id, tell)
        token = self.runners.token(row.runner_id)
        handle = RunnerHandle(row.runner_id, workspace_id, address, token, row.certificate, row.purpose)
        return await self.handles.add(handle)
