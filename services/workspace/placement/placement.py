"""Runners of workspaces: one live runner each, remembered as a row, started where the port says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1 import runner_service_pb2 as runner_pb

from chassis import faults, ids
from chassis.actor import Actor
from chassis.beside import beside
from chassis.database import Database, Transaction
from chassis.errors import DomainError, ServiceUnavailable
from services.workspace.placement import store
from services.workspace.placement.handles import Handles, RunnerHandle
from services.workspace.placement.store import RunnerRow

START_DEADLINE = 10.0
"""Seconds a runner has to come up."""
STOP_GRACE = 5_000
"""Milliseconds between TERM and KILL when a runner is stopped."""

_STOP_DEADLINE = 15.0  # seconds for a runner to end everything
_LOOK_AGAIN = 0.05  # seconds between looks at a room that another process is about to use, or that a runner leaves
_AFTER_ROW = faults.Point("placement.after_row", "A runner is remembered, and no process of it was started.")

Tell = Callable[[str], Awaitable[None]]
"""Tells people how far a start is, in a few words."""


async def to_nobody(_step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A room that is held for a new runner.

    Attributes:
        address: where it will serve, as far as that is known yet.
        certificate: by which it will prove itself; empty where it serves at a socket.
        start: starts it, and waits until it runs. Raises Unavailable when it does not.
    """

    address: str
    certificate: str
    start: Callable[[Tell], Awaitable[None]]


class Runners(Protocol):
    """Where runners are processes, or Pods. `patience` is how many seconds a room may take to become free or start."""

    @property
    def patience(self) -> float:
        """As said above."""

    def token(self, runner_id: UUID) -> str:
        """Return the token of a runner. It is derived, so that it is stored nowhere."""

    async def address(self, runner_id: UUID, workspace_id: UUID, tell: Tell) -> str:
        """Return the gRPC address of a runner that lives or starts; wait until it is known. Raises Unavailable."""

    def vacant(
        self, runner_id: UUID, workspace_id: UUID, account_id: UUID
    ) -> AbstractAsyncContextManager[Vacancy | None]:
        """Hold a room for a new runner; None while another lives, starts or ends there. Raises Unavailable."""

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that lives or starts in a room, None when there is none."""

    async def serving(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that can be called in a room now, None when there is none."""

    async def until_ended(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Raise Unavailable once a runner is known to have ended."""

    async def discard(self, workspace_id: UUID) -> None:
        """Remove what is left of a room's runner, or is to become one. The disk stays."""


@dataclass(slots=True)
class Placement:
    """Keeps one live runner for each workspace that needs one, together with every other process that does so.

    `admit` locks a workspace for the transaction and raises what forbids it a runner: so none starts behind a deletion.
    """

    database: Database
    runners: Runners
    admit: Callable[[Transaction, UUID], Awaitable[None]]
    handles: Handles = field(default_factory=Handles)
    # A lock is there while somebody holds it or waits for it.
    _locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ensure(self, actor: Actor, workspace_id: UUID, tell: Tell = to_nobody) -> RunnerHandle:
        """Return the workspace's live runner; start one when there is none, and tell how far that is.

        Raises:
            Unavailable: it does not come up, or the one before it does not end.
        """
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            give_up_time = time.monotonic() + self.runners.patience
            while (found := await self._find(actor, workspace_id, self.runners.holder, tell)) is None:
                runner_id = ids.new()
                async with self.runners.vacant(runner_id, workspace_id, actor.account_id) as vacancy:
                    if vacancy is not None:
                        return await self._start(actor, runner_id, workspace_id, vacancy, tell)
                if time.monotonic() > give_up_time:
                    raise ServiceUnavailable(service="runner")
                await asyncio.sleep(_LOOK_AGAIN)
            return found

    async def find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        """Return the workspace's live runner, or None."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            return await self._find(actor, workspace_id, self.runners.serving, to_nobody)

    @asynccontextmanager
    async def kept(self, runner_id: UUID, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give the way to a live runner of this machine; meanwhile everybody here who asks for it waits."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            yield await self._handle(RunnerRow(runner_id, ""), workspace_id, to_nobody)

    async def stop(self, actor: Actor, runner: RunnerHandle, *, reason: str) -> None:
        """End a runner and all that runs in it; its records stay on disk."""
        request = runner_pb.ShutdownRequest(grace_milliseconds=STOP_GRACE, reason=reason)
        await runner.peer.call(runner.stub.Shutdown, request, timeout=_STOP_DEADLINE)
        await self.discard(actor, runner.workspace_id)

    async def discard(self, actor: Actor, workspace_id: UUID) -> None:
        """Remove what is left of a room's runner, which nobody can call, or any more."""
        await self.runners.discard(workspace_id)
        await self.database.write(actor, store.end_runner, workspace_id=workspace_id)
        await self.handles.forget(workspace_id)

    async def _start(
        self, actor: Actor, runner_id: UUID, workspace_id: UUID, vacancy: Vacancy, tell: Tell
    ) -> RunnerHandle:
        """Remember a runner, then start it: should we die in between, the room is empty and the row says nothing."""
        row = RunnerRow(runner_id, vacancy.certificate)
        await self.database.write(actor, self._remember, row=row, workspace_id=workspace_id, address=vacancy.address)
        _AFTER_ROW.reach()
        await vacancy.start(tell)
        return await self._meet(row, workspace_id, tell)

    async def _remember(self, tx: Transaction, *, row: RunnerRow, workspace_id: UUID, address: str) -> None:
        await self.admit(tx, workspace_id)
        await store.replace_runner(tx, row, workspace_id=workspace_id, address=address)

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
        return await self.handles.add(RunnerHandle(row.runner_id, workspace_id, address, token, row.certificate))
