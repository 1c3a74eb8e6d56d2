"""Runners of workspaces: one live runner each, remembered as a row, started where the port says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database, Transaction
from chassis.errors import DomainError, ServiceUnavailable, Unavailable
from chassis.rpc.channels import BearerToken, Neighbour, open_runner_channel
from services.workspace.placement import store
from services.workspace.placement.store import Purpose, RunnerRow

START_DEADLINE = 10.0
"""Seconds a runner has to come up."""
STOP_GRACE = 5_000
"""Milliseconds between TERM and KILL when a runner is stopped."""

_STOP_DEADLINE = 15.0  # seconds for a runner to end everything
_LOOK_AGAIN = 0.05  # seconds between looks at a room that another process is about to use, or that a runner leaves
_AFTER_ROW = faults.Point("placement.after_row", "A runner is remembered, and no process of it was started.")

Starter = Callable[[], Awaitable[None]]
"""Starts the runner and waits until it serves. Raises ServiceUnavailable when it does not come up."""


@dataclass(slots=True)
class RunnerHandle:
    """A live runner and the way to it."""

    runner_id: UUID
    workspace_id: UUID
    address: str
    token: str
    certificate: str
    purpose: Purpose = Purpose.WORKSPACE
    peer: Neighbour = field(init=False)
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        channel = open_runner_channel(str(self.runner_id), self.address, self.certificate)
        self.peer = Neighbour("runner", channel, BearerToken(self.token))
        self.stub = RunnerServiceStub(self.peer.channel)


class Runners(Protocol):
    """Where runners are processes, or pods."""

    def address(self, runner_id: UUID) -> str:
        """Return the gRPC address a runner serves on."""

    def token(self, runner_id: UUID) -> str:
        """Return the token of a runner. It is derived, so that it is stored nowhere."""

    def vacant(self, runner_id: UUID, workspace_id: UUID) -> AbstractContextManager[Starter | None]:
        """Hold a room for a new runner and give what starts it; None while another lives, starts or ends there."""

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that lives or starts in a room, None when there is none."""

    async def living(self) -> list[tuple[UUID, UUID]]:
        """Return the runners that live or start anywhere, each with its workspace."""


@dataclass(slots=True)
class Placement:
    """Keeps one live runner for each workspace that needs one, together with every other process that does so.

    `admit` locks a workspace for the transaction and raises what forbids it a runner: so none starts behind a deletion.
    It is told for what the runner is wanted and says for what it may be. One for a save is used for nothing else: what
    anybody did there would be missing in the save.
    """

    database: Database
    runners: Runners
    admit: Callable[[Transaction, UUID, Purpose], Awaitable[Purpose]]
    _handles: dict[UUID, RunnerHandle] = field(default_factory=dict)
    # A lock is there while somebody holds it or waits for it.
    _locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ensure(self, actor: Actor, workspace_id: UUID) -> RunnerHandle:
        """Return the workspace's live runner; start one when there is none.

        Raises:
            ServiceUnavailable: it does not come up, or the one before it does not end.
        """
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            return await self._ensure(actor, workspace_id, Purpose.WORKSPACE)

    async def find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        """Return the workspace's live runner, or None. One that lives for a save alone is none."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            found = await self._find(actor, workspace_id)
            return None if found is None or found.purpose is Purpose.SAVE else found

    @asynccontextmanager
    async def for_save(self, actor: Actor, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give a live runner that can save the room; one that lives for that alone ends with the block.

        Raises:
            ServiceUnavailable: as for `ensure`.
        """
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            runner = await self._ensure(actor, workspace_id, Purpose.SAVE)
        try:
            yield runner
        finally:
            if runner.purpose is Purpose.SAVE:
                await self._end(actor, runner, "saved")

    @asynccontextmanager
    async def kept(self, runner_id: UUID, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give the way to a live runner; meanwhile everybody here who asks for it waits."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            yield await self._handle(runner_id, workspace_id, self.runners.address(runner_id))

    async def stop(self, actor: Actor, runner: RunnerHandle, *, reason: str, patient: bool = True) -> None:
        """End a runner and all that runs in it; its records stay on disk.

        Who is not `patient` takes one that does not answer at once for dead, and raises ServiceUnavailable.
        """
        request = runner_pb.ShutdownRequest(grace_milliseconds=STOP_GRACE, reason=reason)
        peer = replace(runner.peer, patient=patient)
        await peer.call(runner.stub.Shutdown, request, timeout=_STOP_DEADLINE)
        await self.database.write(actor, store.end_runner, runner_id=runner.runner_id)
        if self._handles.get(runner.workspace_id) is runner:  # another may live there by now
            await self._forget(runner.workspace_id)

    async def close(self) -> None:
        """Close all channels. The runners go on."""
        for workspace_id in list(self._handles):
            await self._forget(workspace_id)

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

    async def _ensure(self, actor: Actor, workspace_id: UUID, wanted: Purpose) -> RunnerHandle:
        give_up_time = time.monotonic() + START_DEADLINE
        while not _serves(found := await self._find(actor, workspace_id), wanted):
            if found is not None:
                await self._end(actor, found, "the workspace is in use again")
            runner_id = ids.new()
            row = RunnerRow(runner_id, self.runners.address(runner_id), "", wanted)
            with self.runners.vacant(runner_id, workspace_id) as start:
                if start is not None:
                    return await self._start(actor, row, workspace_id, start)
            if time.monotonic() > give_up_time:
                raise ServiceUnavailable(service="runner")
            await asyncio.sleep(_LOOK_AGAIN)
        return found

    async def _start(self, actor: Actor, runner: RunnerRow, workspace_id: UUID, start: Starter) -> RunnerHandle:
        """Remember a runner, then start it: should we die in between, the room is empty and the row says nothing."""
        purpose = await self.database.write(actor, self._remember, runner=runner, workspace_id=workspace_id)
        _AFTER_ROW.reach()
        await start()
        handle = await self._handle(runner.runner_id, workspace_id, runner.address)
        handle.purpose = purpose
        return handle

    async def _remember(self, tx: Transaction, *, runner: RunnerRow, workspace_id: UUID) -> Purpose:
        purpose = await self.admit(tx, workspace_id, runner.purpose)
        await store.replace_runner(tx, replace(runner, purpose=purpose), workspace_id=workspace_id)
        return purpose

    async def _find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        row = await self.database.read(actor, store.find_live_runner, workspace_id=workspace_id)
        if row is None or await self.runners.holder(workspace_id) != row.runner_id:
            await self._forget(workspace_id)
            return None
        known = self._handles.get(workspace_id)
        if known is None or known.runner_id != row.runner_id:
            known = await self._adopt(row, workspace_id)
        known.purpose = row.purpose
        return known

    async def _adopt(self, row: RunnerRow, workspace_id: UUID) -> RunnerHandle:
        """Meet a runner that another process started, maybe a moment ago: wait until it serves."""
        handle = await self._handle(row.runner_id, workspace_id, row.address, row.certificate)
        try:
            await handle.peer.call(handle.stub.GetStatus, runner_pb.GetStatusRequest(), timeout=START_DEADLINE)
        except DomainError:
            await self._forget(workspace_id)
            raise
        return handle

    async def _handle(self, runner_id: UUID, workspace_id: UUID, address: str, certificate: str = "") -> RunnerHandle:
        known = self._handles.get(workspace_id)
        if known is not None and known.runner_id == runner_id:
            return known  # somebody may be calling it: a closed channel would cancel that
        await self._forget(workspace_id)
        handle = RunnerHandle(runner_id, workspace_id, address, self.runners.token(runner_id), certificate)
        self._handles[workspace_id] = handle
        return handle

    async def _forget(self, workspace_id: UUID) -> None:
        known = self._handles.pop(workspace_id, None)
        if known is not None:
            await known.peer.channel.close(None)


def _serves(runner: RunnerHandle | None, wanted: Purpose) -> TypeGuard[RunnerHandle]:
    """Whether a runner is one that is wanted. Any can save its room."""
    return runner is not None and (wanted is Purpose.SAVE or runner.purpose is Purpose.WORKSPACE)
